#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "mth5/descriptor.hpp"

/// The other end of mth5-sim: readers of what it sends, and of its truth.
namespace support {

/// Command line of `mth5-sim lemi424 …`.
[[nodiscard]] std::vector<std::string> sim(const std::vector<std::string>& arguments);

/// Opens the reader's end of a pty.
[[nodiscard]] mth5::Descriptor open_line(const std::filesystem::path& link);
/// Connects to 127.0.0.1; none if it is refused.
[[nodiscard]] mth5::Descriptor tcp_connect(const std::string& port);

/// How a reader takes what comes.
struct Reading {
  std::size_t block = 65536;     ///< bytes asked for at once
  std::size_t nap_every = 0;     ///< reads between naps of 1 ms, to be a slow reader; 0 = none
  std::size_t limit = SIZE_MAX;  ///< bytes to stop at
};
/// Reads until the other end closes, or the limit. A failure of the test if nothing comes for 30 s.
[[nodiscard]] std::string read_all(int fd, const Reading& reading = {});

/// Rows of a truth file, by column name.
[[nodiscard]] std::vector<std::map<std::string, std::string>> truth_rows(const std::filesystem::path& path);
/// Sum of their column `bytes`.
[[nodiscard]] std::size_t truth_bytes(const std::filesystem::path& path);

}  // namespace support
