#pragma once

#include <memory>

#include <spdlog/pattern_formatter.h>

#include "mth5/printable.hpp"

namespace daemon_log {

/// Flag %* of a pattern: the message, made printable. Names of files in the output directory and texts of damaged ones come from
/// anybody. Thread: any, as spdlog's own flags.
class PrintableMessage : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm& /*time*/, spdlog::memory_buf_t& out) override {
    const auto text = mth5::printable({message.payload.data(), message.payload.size()});
    out.append(text.data(), text.data() + text.size());
  }
  [[nodiscard]] std::unique_ptr<spdlog::custom_flag_formatter> clone() const override {
    return spdlog::details::make_unique<PrintableMessage>();
  }
};

/// @param pattern  as spdlog's, with %* for the message
inline std::unique_ptr<spdlog::formatter> printable_formatter(const char* pattern, spdlog::pattern_time_type time) {
  auto formatter = std::make_unique<spdlog::pattern_formatter>(time);
  formatter->add_flag<PrintableMessage>('*').set_pattern(pattern);
  return formatter;
}

}  // namespace daemon_log
