#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "acquisition/config/config.hpp"

namespace daq::recorder {

/// Checks that data files can be written there: it exists, is a directory, lies on a mounted disk (if mount: required), is
/// writable, is local (unless allow_network). @throws mth5::FileError, one line with what to do
void check_directory(const config::Output& output);

/// Why there is no disk though one is required (mount: required), with what to do; "": there is, or none is.
[[nodiscard]] std::string why_no_mount(const config::Output& output);

/// Why recordings on a file system with this `f_type` of statfs(2) may vanish or tear, and what to do; nullopt of those that keep
/// them. Pure.
[[nodiscard]] std::optional<std::string_view> doubt_of(std::uint32_t f_type);
/// Whether it is none of a disk: in memory, or of layers that may be. Pure.
[[nodiscard]] bool is_no_disk(std::uint32_t f_type);
/// As doubt_of(), of the file systems that the directory and its archive/ lie on, a line each; those that cannot be asked have
/// none, and archive/ only where output.finalize fills it.
[[nodiscard]] std::vector<std::string> doubts_of_media(const config::Output& output);

/// The next free name: the pattern filled in, with _2, _3 … before the suffix while a file of that name exists: a daemon that
/// stops because a name is taken (a clock that restarts at the same date) loses more than one that finds another.
[[nodiscard]] std::filesystem::path next_file(const config::Output& output, const config::PatternValues& values);

/// ".mth5d-SURVEY-STATION.WHAT": what belongs to a recorder beside its data. Ids have no hyphen, so no two are the same.
[[nodiscard]] std::string hidden_name(const std::string& survey, const std::string& station, const std::string& what);

/// Where it is tried whether a next file can be begun. Of a recorder that was killed just then it stays.
[[nodiscard]] std::filesystem::path trial_file(const config::Config& config);

/// Bytes of the disk as a whole; nullopt if it cannot be known.
[[nodiscard]] std::optional<std::int64_t> total_bytes(const std::filesystem::path& directory);

}  // namespace daq::recorder
