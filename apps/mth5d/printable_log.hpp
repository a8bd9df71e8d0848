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

/// Flag %& of a pattern: the priority of a line as journald reads it, "<4>".
class JournalPriority : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm& /*time*/, spdlog::memory_buf_t& out) override {
    using namespace spdlog::level;
    const char digit = message.level >= critical ? '2'
                       : message.level == err    ? '3'
                       : message.level == warn   ? '4'
                       : message.level == info   ? '6'
                                                 : '7';
    for (const char c : {'<', digit, '>'}) out.push_back(c);
  }
  [[nodiscard]] std::unique_ptr<spdlog::custom_flag_formatter> clone() const override {
    return spdlog::details::make_unique<JournalPriority>();
  }
};

/// @param pattern  as spdlog's, with %* for the message and %& for its priority
inline std::unique_ptr<spdlog::formatter> printable_formatter(const char* pattern, spdlog::pattern_time_type time) {
  auto formatter = std::make_unique<spdlog::pattern_formatter>(time);
  formatter->add_flag<PrintableMessage>('*').add_flag<JournalPriority>('&').set_pattern(pattern);
  return formatter;
}

}  // namespace daemon_log
