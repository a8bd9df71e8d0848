#include "acquisition/config/commands.hpp"

#include <algorithm>
#include <array>
#include <ctime>

namespace daq::config {

namespace {

constexpr std::string_view kTimeLetters = "YymdjwHMSFTs";

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string check_form(std::string_view form) {
  if (form.empty()) return "a time needs a form, such as {now:%Y%m%d%H%M%S}";
  for (std::size_t i = 0; i < form.size(); ++i) {
    if (form[i] != '%') continue;
    if (++i == form.size() || (form[i] != '%' && kTimeLetters.find(form[i]) == std::string_view::npos))
      return "'" + std::string{form} + "' is no form of a time; known are %Y %y %m %d %j %w %H %M %S %F %T %s";
  }
  return "";
}

std::string format(const std::string& form, mth5::UtcNanos time) {
  const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
  std::string out;
  for (std::size_t i = 0; i < form.size(); ++i) {
    if (form[i] != '%') {
      out += form[i];
      continue;
    }
    if (form[++i] == 's') {  // of strftime it would be by the local time
      out += std::to_string(seconds);
      continue;
    }
    std::tm tm{};
    gmtime_r(&seconds, &tm);
    const std::array<char, 3> one{'%', form[i], '\0'};
    std::array<char, 32> text{};
    out.append(text.data(), std::strftime(text.data(), text.size(), one.data(), &tm));
  }
  return out;
}

}  // namespace

std::string CommandBytes::parse(std::string_view text, std::vector<Part>& parts) {
  const auto add = [&](char c) {
    if (parts.empty() || parts.back().kind != Part::Kind::Bytes) parts.push_back({Part::Kind::Bytes, ""});
    parts.back().text += c;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\') {
      const char next = ++i < text.size() ? text[i] : '\0';
      if (next == 'r' || next == 'n' || next == 't' || next == '\\') {
        add(next == 'r' ? '\r' : next == 'n' ? '\n' : next == 't' ? '\t' : '\\');
      } else if (next == 'x' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
        add(static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2])));
        i += 2;
      } else {
        return "a backslash stands before r, n, t, another one, or x and two hexadecimal digits (\\x0D)";
      }
    } else if (c == '{' || c == '}') {
      if (i + 1 < text.size() && text[i + 1] == c) {
        add(c);
        ++i;
        continue;
      }
      const auto end = text.find_first_of("{}", i + 1);
      if (c == '}' || end == std::string_view::npos || text[end] == '{')
        return "has a brace without its partner; {{ and }} stand for braces";
      const auto inside = text.substr(i + 1, end - i - 1);
      const auto colon = inside.find(':');
      const auto word = inside.substr(0, colon);
      const auto form = colon == std::string_view::npos ? std::string_view{} : inside.substr(colon + 1);
      if (word == "token") {
        if (colon != std::string_view::npos) return "{token} takes no form";
        parts.push_back({Part::Kind::Token, ""});
      } else if (word == "now" || word == "durable") {
        if (auto wrong = check_form(form); !wrong.empty()) return wrong;
        parts.push_back({word == "now" ? Part::Kind::Now : Part::Kind::Durable, std::string{form}});
      } else {
        return "{" + std::string{inside} + "} is not one of {now:FORM} {durable:FORM} {token}; {{ and }} stand for braces";
      }
      i = end;
    } else {
      add(c);
    }
  }
  return parts.empty() ? "is an empty text" : "";
}

CommandBytes::CommandBytes(std::string text) : text_{std::move(text)} {
  if (!parse(text_, parts_).empty()) parts_.clear();
}

std::optional<std::string> CommandBytes::fill(const CommandValues& values) const {
  std::string bytes;
  for (const auto& part : parts_) {
    switch (part.kind) {
      case Part::Kind::Bytes:
        bytes += part.text;
        break;
      case Part::Kind::Now:
        bytes += format(part.text, values.now);
        break;
      case Part::Kind::Durable:
        if (!values.durable) return std::nullopt;
        bytes += format(part.text, *values.durable);
        break;
      case Part::Kind::Token:
        if (values.token.empty()) return std::nullopt;
        bytes += values.token;
        break;
    }
  }
  return bytes;
}

std::string CommandBytes::shown(const CommandValues& values) const {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  const auto bytes = fill(values);
  if (!bytes) return text_;
  std::string text;
  for (const char c : *bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\r' || c == '\n' || c == '\t' || c == '\\')
      (text += '\\') += c == '\r' ? 'r' : c == '\n' ? 'n' : c == '\t' ? 't' : '\\';
    else if (byte < 0x20 || byte >= 0x7f)
      ((text += "\\x") += kHex[byte >> 4]) += kHex[byte & 15U];
    else
      text += c;
  }
  return text;
}

CommandBytes::Heard CommandBytes::heard_in(std::string_view bytes, std::size_t& length) const {
  std::size_t at = 0;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    const auto rest = bytes.substr(at);
    if (parts_[i].kind == Part::Kind::Bytes) {
      const std::string_view text = parts_[i].text;
      if (rest.size() < text.size()) return text.starts_with(rest) ? Heard::Begun : Heard::No;
      if (!rest.starts_with(text)) return Heard::No;
      at += text.size();
    } else if (parts_[i].kind == Part::Kind::Token) {  // up to what stands behind it
      const char next = i + 1 < parts_.size() && parts_[i + 1].kind == Part::Kind::Bytes ? parts_[i + 1].text[0] : '\r';
      const auto end = rest.find(next);
      if (end == std::string_view::npos) return Heard::Begun;
      at += end;
    } else {  // a time of a form has a length of its own
      const auto n = format(parts_[i].text, mth5::UtcNanos{std::chrono::seconds{1'700'000'000}}).size();
      if (rest.size() < n) return Heard::Begun;
      at += n;
    }
  }
  length = at;
  return parts_.empty() ? Heard::No : Heard::Whole;
}

bool CommandBytes::asks_for_durable() const {
  return std::any_of(parts_.begin(), parts_.end(),
                     [](const Part& part) { return part.kind == Part::Kind::Durable || part.kind == Part::Kind::Token; });
}

std::string check_command(std::string_view text) {
  std::vector<CommandBytes::Part> parts;
  const auto wrong = CommandBytes::parse(text, parts);
  return wrong.empty() ? "" : "'" + std::string{text} + "' " + wrong;
}

std::string check_answer(std::string_view text) {
  if (auto wrong = check_command(text); !wrong.empty()) return wrong;
  const CommandBytes bytes{std::string{text}};
  return bytes.asks_for_durable() || text.find("{now:") != std::string_view::npos
             ? "'" + std::string{text} + "' is an answer: no times and tokens"
             : "";
}

bool Commands::ask_for_durable() const {
  const auto asks = [](const auto& command) { return command.send.asks_for_durable(); };
  return std::any_of(start.begin(), start.end(), asks) || std::any_of(every.begin(), every.end(), asks);
}

}  // namespace daq::config
