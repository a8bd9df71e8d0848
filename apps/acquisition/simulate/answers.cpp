#include "acquisition/simulate/answers.hpp"

#include <algorithm>

namespace daq::simulate {

namespace {

constexpr std::size_t kLongestCommand = 4096;  ///< bytes that are a command, or none

std::string bytes_of(const config::CommandBytes& bytes) { return bytes.fill({}).value_or(""); }

}  // namespace

Answers::Answers(const config::Instrument& profile, bool sending)
    : otherwise_{bytes_of(profile.simulate.otherwise)}, sending_{sending} {
  for (const auto& one : profile.simulate.answers) known_.push_back({one.to, bytes_of(one.answer), one.then});
  const auto add = [&](const config::CommandBytes& to, const std::string& answer) {
    const bool there = std::any_of(known_.begin(), known_.end(), [&](const Known& k) { return k.to.text() == to.text(); });
    if (!there) known_.push_back({to, answer.empty() ? answer : answer + "\r\n", "go-on"});
  };
  for (const auto& command : profile.commands.start) add(command.send, bytes_of(command.answer));
  for (const auto& command : profile.commands.every) add(command.send, "");
  for (const auto& known : known_)
    if (!known.answer.empty()) all_.push_back(known.answer);
}

bool Answers::can_start() const {
  return std::any_of(known_.begin(), known_.end(), [](const Known& known) { return known.then == "send"; });
}

std::string Answers::heard(std::string_view bytes) {
  std::string answers;
  begun_.append(bytes);
  while (!begun_.empty()) {
    bool begun = false;
    const Known* whole = nullptr;
    std::size_t length = 0;
    for (const auto& known : known_) {
      const auto how = known.to.heard_in(begun_, length);
      if (how == config::CommandBytes::Heard::Whole) {
        whole = &known;
        break;
      }
      begun = begun || how == config::CommandBytes::Heard::Begun;
    }
    if (whole != nullptr) {
      begun_.erase(0, length);
      answers += whole->answer;
      if (whole->then != "go-on") sending_ = whole->then == "send";
      continue;
    }
    if (begun && begun_.size() < kLongestCommand) break;
    // Not understood: up to the end of the line; one byte of an instrument that knows no lines.
    const auto end = begun_.find_first_of("\r\n");
    if (end == std::string::npos && !otherwise_.empty()) {
      if (begun_.size() >= kLongestCommand) begun_.clear();
      break;
    }
    begun_.erase(0, end == std::string::npos ? 1 : end + 1);
    if (end != std::string::npos && end > 0) answers += otherwise_;
  }
  return answers;
}

}  // namespace daq::simulate
