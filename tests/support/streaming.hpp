#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "mth5/reader.hpp"
#include "support/forked.hpp"

namespace support {

/// The channels of a file of a TestWriter as they grow: each sample is looked at once.
class Watched {
 public:
  /// @returns "" or the first sample that is not what it has to be
  std::string look(const mth5::Reader& reader);
  [[nodiscard]] std::int64_t wrong() const { return wrong_; }

 private:
  std::vector<std::int64_t> seen_;
  std::int64_t wrong_ = 0;
};

/// An mth5::Reader in a process of its own that refreshes and checks all that is new again and again. Errors are counted, and
/// the next look tries again with the same Reader.
class Streaming {
 public:
  struct Seen {
    std::int64_t looks, errors, wrong;
    std::int64_t samples;  ///< per channel of the first run, at the last look
    char text[400];        ///< first wrong sample, else the last error
  };

  explicit Streaming(const std::filesystem::path& path);
  [[nodiscard]] bool wait_until_open() const;
  /// SIGSTOP. @returns whether it has stopped
  [[nodiscard]] bool freeze() const;
  void thaw() const;
  /// Lets it look once more, and end.
  [[nodiscard]] Seen stop();

 private:
  struct Common {
    bool open, stop;
    Seen seen;
  };
  static int watch(const std::filesystem::path& path, Common& common);

  Shared<Common> common_;
  Child child_;
};

}  // namespace support
