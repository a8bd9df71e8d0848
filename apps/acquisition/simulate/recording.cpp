#include "acquisition/simulate/recording.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "mth5/error.hpp"
#include "mth5/filesystem.hpp"

namespace daq::simulate {

namespace {

constexpr std::size_t kBuffer = 1u << 18;
constexpr std::size_t kLongestLine = 1u << 16;

}  // namespace

mth5::Descriptor open_recording(const std::filesystem::path& file) {
  if (std::filesystem::is_directory(file)) throw mth5::FileError{file.string() + ": is a directory; name the files in it"};
  return mth5::open_regular(file);
}

std::size_t read_recording(int fd, const std::filesystem::path& file, std::span<char> to) {
  ssize_t n = 0;
  do {
    n = read(fd, to.data(), to.size());
  } while (n < 0 && errno == EINTR);
  if (n < 0) throw mth5::FileError{file.string() + ": cannot be read: " + std::strerror(errno)};
  return static_cast<std::size_t>(n);
}

Recording::Recording(std::vector<std::filesystem::path> files) : files_{std::move(files)}, buffer_(kBuffer) {
  for (const auto& file : files_) (void)open_recording(file);
}

void Recording::open_next() {
  fd_ = open_recording(files_[n_opened_]);
  ++n_opened_;
}

void Recording::fill() {
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  const auto n = read_recording(fd_.get(), files_[n_opened_ - 1], std::span{buffer_}.subspan(end_));
  if (n == 0) fd_.reset();
  end_ += n;
}

std::optional<std::string_view> Recording::next() {
  for (;;) {
    const std::string_view rest{buffer_.data() + begin_, end_ - begin_};
    const auto line = rest.substr(0, kLongestLine);
    if (const auto at = line.find('\n'); at != std::string_view::npos) {
      begin_ += at + 1;
      line_end_ = at > 0 && line[at - 1] == '\r' ? "\r\n" : "\n";
      return line.substr(0, at + 1);
    }
    if (line.size() == kLongestLine) {
      begin_ += line.size();
      return line;
    }
    if (fd_) {
      fill();
    } else if (!rest.empty()) {  // the file's last line, without line end
      begin_ = end_;
      if (n_opened_ == files_.size()) return rest;
      completed_.assign(rest).append(line_end_);
      return completed_;
    } else if (n_opened_ < files_.size()) {
      open_next();
    } else {
      return std::nullopt;
    }
  }
}

}  // namespace daq::simulate
