#include "mth5/recover.hpp"

#include <unistd.h>

#include "core/holders.hpp"
#include "h5/lock.hpp"
#include "mth5/descriptor.hpp"
#include "mth5/file.hpp"
#include "mth5/filesystem.hpp"
#include "vfd/journal.hpp"
#include "vfd/undo_file.hpp"

/// Recovery as one thing that is done or taken back.
namespace mth5 {

namespace {

/// @returns bytes that could not be put back
std::uint64_t put_back(const std::filesystem::path& path, const std::filesystem::path& before, vfd::Recovered recovered) {
  if (core::is_written_by_this_process(path))
    throw BusyError{path.string() + ": this process is writing this file; close it first", getpid()};
  if (const auto holders = core::writers_of(path); !holders.writers.empty())
    throw BusyError{path.string() + ": another process" + core::in_words(holders) + " has this file open for writing",
                    holders.writers.front().pid};
  const h5::WriterLock lock{path, [&] { return core::nobody_writes(path); }};
  return vfd::put_back(lock.fd(), path, before, recovered);
}

bool is_there(const std::filesystem::path& path) { return std::filesystem::exists(std::filesystem::symlink_status(path)); }

/// What to say of a file after its recovery failed.
std::string after_failure(const std::filesystem::path& path, const std::filesystem::path& before) {
  if (!is_there(before)) return "the file was left as it is";
  try {
    return take_back(path, before) ? "it was put back as it was" : "what was changed of it is in " + before.string();
  } catch (const Error& e) {
    return "it was changed, and could not be put back (" + std::string{e.what()} + "): what was there is in " + before.string();
  }
}

}  // namespace

bool was_committed(const std::filesystem::path& path) {
  const Descriptor file = open_regular(path);
  const auto journal = vfd::Journal::find(file.get(), path);
  return !journal || journal->newest_sequence() > 0;
}

Recovery recover(const std::filesystem::path& path, const std::filesystem::path& before, bool allow_network) {
  if (is_there(before)) throw FileError{before.string() + ": exists already; give what is changed another name"};
  const std::string left_as_it_is = "; the file was left as it is";
  const auto said = [&](const Error& e) { return std::string{e.what()} + "; " + after_failure(path, before); };
  try {
    File file = File::open(path, "r+", {.create = {.allow_network = allow_network}, .keep_before = before});
    Recovery done = file.recovery_report();
    file.close();
    return done;
  } catch (const FormatError& e) {
    throw FormatError{said(e)};
  } catch (const BusyError& e) {
    // What has the name of `before` by now is of the other process: here nothing was changed.
    throw BusyError{e.what() + left_as_it_is, e.pid};
  } catch (const StateError& e) {
    throw StateError{said(e)};
  } catch (const FileError& e) {
    throw FileError{e.code() == std::errc::file_exists ? e.what() + left_as_it_is : said(e), e.code()};
  } catch (const Error& e) {
    throw FileError{said(e)};
  }
}

bool take_back(const std::filesystem::path& path, const std::filesystem::path& before) {
  if (!is_there(before)) return false;
  if (!vfd::is_only_begun(before)) {
    if (vfd::is_finished(before)) return false;
    (void)put_back(path, before, vfd::Recovered::Broken);
  }
  std::filesystem::remove(before);
  return true;
}

std::uint64_t undo_changes(const std::filesystem::path& path, const std::filesystem::path& before) {
  return put_back(path, before, vfd::Recovered::Whole);
}

}  // namespace mth5
