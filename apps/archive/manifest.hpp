#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "archive/names.hpp"
#include "mth5/time.hpp"

/// What was archived, written down so that anybody can prove later that it is still the same: beside `NAME.h5` a `NAME.h5.json`,
/// and one SHA256SUMS in the folder, which `sha256sum -c` reads, too. Page: apps/archive/doc/manifest.md. Thread: main.
namespace archive {

/// Bytes hashed, and in all.
using Progress = std::function<void(std::int64_t done, std::int64_t total)>;

/// The manifest of a closed file: schema 1, file, bytes, sha256, uuid, made, version, runs with the samples of their channels
/// and a hash of them that no compression changes, ledger. HDF5 reads the file in a child process with limits.
/// @param version  of the program that makes it
/// @throws mth5::FormatError (damaged, not MTH5), mth5::FileError, mth5::StateError (the file is not closed)
[[nodiscard]] nlohmann::ordered_json manifest_of(const std::filesystem::path& file, const std::string& version,
                                                 const Progress& progress = {});

/// What a manifest keeps under "recording" of the file that its archive is made of: last_written, bytes, sha256. Taken before
/// that file is read, so that what is written to it meanwhile shows. @throws mth5::FileError
[[nodiscard]] nlohmann::ordered_json recording_of(const std::filesystem::path& recording);

/// The directory of a file, "." for one of this directory.
[[nodiscard]] std::filesystem::path folder_of(const std::filesystem::path& file);

/// When a file was last written, as a manifest has it. "" if that cannot be told.
[[nodiscard]] std::string last_written(const std::filesystem::path& file);

/// What a recording holds, as far as retention must know it.
struct Recorded {
  /// Survey and station of each, and its newest sample; nullopt: its runs have none.
  std::map<std::pair<std::string, std::string>, std::optional<mth5::UtcNanos>> stations;
  std::optional<mth5::UtcNanos> newest;  ///< its newest sample, or where a run without one begins

  bool recovered = false;  ///< its writer died, and it was recovered and not resumed since; not told of one that is archived
};
/// By the manifest of its archive, where that is of these very bytes by length and time; else a child with limits reads it. It
/// may be live. @throws mth5::Error (it cannot be read)
[[nodiscard]] Recorded recorded_in(const std::filesystem::path& recording);

/// The uuid of a file, as a child with limits reads it. @throws mth5::Error
[[nodiscard]] std::string uuid_of(const std::filesystem::path& file);

enum class Kind { Plain, Bridged };
/// The archive of a recording, or the name that it will have: the first of archive_path() that is of that recording, by length
/// and time as its manifest tells or, where these are others, by uuid; else the first that nothing has.
/// @throws mth5::Error (one of them cannot be read)
[[nodiscard]] std::filesystem::path archive_of(const std::filesystem::path& recording, Kind kind = Kind::Plain);

/// Whether a recording is to the byte as it was archived; false where its manifest does not tell.
/// @throws mth5::FileError (one of them cannot be read)
[[nodiscard]] bool is_as_archived(const std::filesystem::path& recording, const std::filesystem::path& archive);

/// "5s": over gaps of what length runs are joined in it, as its manifest tells; "": it does not. @throws mth5::FileError
[[nodiscard]] std::string bridge_of(const std::filesystem::path& archive);

/// To be asked before an archive that lost its manifest gets another: what changed meanwhile would be proven by it.
/// @param manifest   of the archive as it is now
/// @param recording  what the archive is of, compared with it where it is there and closed; "": none is
/// @throws mth5::FileError (SHA256SUMS tells other bytes, or the recording has other samples), mth5::Error
void require_unchanged(const std::filesystem::path& archive, const nlohmann::ordered_json& manifest,
                       const std::filesystem::path& recording, const Progress& progress = {});

/// Writes the manifest beside the file, read-only, and the lines of both into SHA256SUMS, which keeps all other lines. Both are
/// written beside and renamed, and durable; who writes at the same time waits.
/// @throws mth5::FileError (there is one already: it is never overwritten)
void write_manifest(const std::filesystem::path& file, const nlohmann::ordered_json& manifest);

/// Removes from a folder of archives what programs that died there have not finished. What may hold what is nowhere else, as
/// neither the recording nor an archive of that name is there, stays, and is called NAME.h5.unfinished from then on. What a
/// living program makes is left alone. @returns lines that tell of it. Never throws: what cannot be removed is left for the next
[[nodiscard]] std::vector<std::string> clear_unfinished(const std::filesystem::path& folder);

enum class Found {
  Unchanged,    ///< to the byte
  SameSamples,  ///< its bytes are others, all samples are the same
  Changed,      ///< samples are others, or the manifest is
  Missing,      ///< there is a manifest, or a line of SHA256SUMS, and no file
  Unreadable,   ///< cannot be read any more
  NoManifest,   ///< and its bytes are those of SHA256SUMS, if that tells of it
  NoSums        ///< SHA256SUMS is missing beside manifests, or has no line of the file or its manifest
};
[[nodiscard]] std::string_view to_string(Found found);  ///< "unchanged", "same-samples", …

struct Verified {
  std::filesystem::path file;
  Found found = Found::Unchanged;
  std::string text;  ///< one line, without the name of the file
};

/// Compares a file with its manifest, which stands beside it, or in archive/ beside it: then its samples are compared, and its
/// archive must be whole, too. SHA256SUMS must tell of both as the manifest does.
/// @throws nothing but std::bad_alloc: what cannot be read is found so
[[nodiscard]] Verified verify(const std::filesystem::path& file, const Progress& progress = {});

/// The files to verify of a directory: those with a manifest or a line of SHA256SUMS in it and in its archive/, present or
/// missing, those in archive/ that have none, and SHA256SUMS where it is missing beside manifests; by name. @throws
/// mth5::FileError if it cannot be read
[[nodiscard]] std::vector<std::filesystem::path> files_to_verify(const std::filesystem::path& directory);

}  // namespace archive
