#pragma once

#include <filesystem>
#include <optional>

#include "acquisition/recorder/resume_answer.hpp"
#include "sandbox/sandbox.hpp"

namespace daq::recorder {

/// Of one station at least that is recorded. It may be live. nullopt: it cannot be read as it is. Only in a child likewise.
[[nodiscard]] std::optional<bool> is_ours(const std::filesystem::path& path, const config::Config& config);

/// Recovers a file of a crashed writer, goes through everything that resuming it touches (its index and the runs that were being
/// written, so that 10,000 runs take no longer than ten), and rehearses that: a run more for each
/// stream, samples, a flush, closing, of which nothing reaches the file. HDF5 can die of any of this where the file is damaged:
/// only in the child of sandbox::run(). @param before  as of mth5::recover() @throws mth5::Error
[[nodiscard]] ResumeAnswer recover_and_try(const std::filesystem::path& path, const std::filesystem::path& before,
                                           const config::Config& config, sandbox::Reports& reports);

/// What a file that was closed in order says for those who go on behind it. Only in a child likewise. @throws mth5::Error
[[nodiscard]] ResumeAnswer read_closed(const std::filesystem::path& path, const config::Config& config,
                                       sandbox::Reports& reports);

}  // namespace daq::recorder
