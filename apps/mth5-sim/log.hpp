#pragma once

#include <cstdio>
#include <string>

#include "mth5/printable.hpp"

namespace sim {

/// Talk, on stderr. Thread: main.
class Log {
 public:
  explicit Log(bool quiet) : quiet_{quiet} {}
  void info(const std::string& text) const { say("info", text); }
  void warn(const std::string& text) const { say("warning", text); }

 private:
  void say(const char* level, const std::string& text) const {
    if (!quiet_) std::fprintf(stderr, "mth5-sim: %s: %s\n", level, mth5::printable(text).c_str());
  }
  bool quiet_;
};

}  // namespace sim
