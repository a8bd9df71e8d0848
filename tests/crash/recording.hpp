#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "log_format.hpp"
#include "truth.hpp"

/// A recorder's log in memory.
namespace crash {

using Bytes = std::vector<char>;

struct Event {
  Kind kind;
  std::uint64_t inode;
  std::int64_t offset, size;
  const char* data;  ///< payload, in Recording::bytes
  std::size_t data_size;

  [[nodiscard]] std::string text() const { return {data, data_size}; }
};

/// What a file system holds: names, and contents by inode.
struct Disk {
  std::map<std::string, std::uint64_t> names;
  std::map<std::uint64_t, Bytes> files;

  /// nullptr if there is no such name.
  [[nodiscard]] const Bytes* find(const std::string& name) const;
  /// Applies an event as a sane system would in the end: writes and sizes to `files`, names to `names`, the rest to nothing.
  void apply(const Event& event);
};
/// One write or change of size to one content.
void apply_call(const Event& event, Bytes& content);
[[nodiscard]] constexpr bool is_content(Kind kind) {
  return kind == Kind::Write || kind == Kind::Resize || kind == Kind::Allocate;
}
[[nodiscard]] bool is_name(const Event& event);

struct Recording {
  std::string target;          ///< the data file's final name
  Bytes bytes;                 ///< the log
  std::vector<Event> events;   ///< point into bytes: a Recording is moved, never copied
  std::size_t from = 0;        ///< first event at which power is cut
  std::size_t user_block = 0;  ///< of the file at the end: where the journal is; 0 = there is none

  struct Mark {
    std::size_t event;
    std::int64_t commit;
    bool durable;
  };
  std::map<std::size_t, State> tries;  ///< by event
  std::vector<Mark> acknowledged;

  Recording() = default;
  Recording(Recording&&) = default;
  Recording& operator=(Recording&&) = default;
  Recording(const Recording&) = delete;

  /// The newest commit acknowledged before the cut; -1 = none.
  /// @param merely_killed  visible ones count too
  [[nodiscard]] std::int64_t floor(std::size_t cut, bool merely_killed) const;
};

/// Runs a program under the recorder.
/// @param bin     folder of the recorder and of the programs of the harness
/// @param pattern CRASH_FILE
/// @throws std::runtime_error if the program fails
void run_recorded(const std::filesystem::path& bin, const std::vector<std::string>& command, const std::string& pattern,
                  const std::filesystem::path& log);

/// Reads a log. @throws std::runtime_error if it is damaged or a call was refused
[[nodiscard]] Recording load_log(const std::filesystem::path& log, const std::filesystem::path& target);

/// @throws std::runtime_error if `disk` with all events applied is not what is in the file: a call was not seen
void require_complete(const Recording& recording, Disk disk);

/// Offset of the HDF5 signature; 0 if there is none.
[[nodiscard]] std::size_t user_block_of(const Bytes& content);

[[nodiscard]] Bytes read_bytes(const std::filesystem::path& path);
/// Leaves holes where there are zeros: a user block is mostly that.
void write_sparse(const std::filesystem::path& path, const Bytes& content);

}  // namespace crash
