#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "acquisition/simulate/instrument.hpp"
#include "mth5/descriptor.hpp"

namespace daq::simulate {

/// @throws mth5::FileError if it is not there, or no regular file
[[nodiscard]] mth5::Descriptor open_recording(const std::filesystem::path& file);
/// Into what is given, as far as one read(2) goes. @returns bytes; 0 at the end of the file. @throws mth5::FileError
[[nodiscard]] std::size_t read_recording(int fd, const std::filesystem::path& file, std::span<char> to);

/// Plays recordings of text instruments: every line of every file with its line end, bytes as recorded. Where a file lacks its
/// last line end and another one follows, the line end of the line before is added, so that two lines never become one; the very
/// last line stays as it is. Reads in blocks, memory does not grow with the file. A line longer than 64 KiB comes in pieces.
class Recording : public RecordSource {
 public:
  /// Opens every file once, so that a missing one is known before anything is sent. @throws mth5::FileError
  explicit Recording(std::vector<std::filesystem::path> files);
  std::optional<std::string_view> next() override;

 private:
  void open_next();
  void fill();

  std::vector<std::filesystem::path> files_;
  std::size_t n_opened_ = 0;
  mth5::Descriptor fd_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;  ///< of what is not yet given out
  std::string_view line_end_ = "\n";
  std::string completed_;  ///< a last line with the line end it lacked
};

}  // namespace daq::simulate
