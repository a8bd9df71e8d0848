#include "meta/json.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "meta/text.hpp"

namespace mth5::meta {
namespace {

constexpr int kMaxDepth = 16;

void append_utf8(std::string& out, unsigned code) {
  const auto byte = [&](unsigned b) { out += static_cast<char>(b); };
  if (code < 0x80) {
    byte(code);
  } else if (code < 0x800) {
    byte(0xC0 | code >> 6), byte(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    byte(0xE0 | code >> 12), byte(0x80 | (code >> 6 & 0x3F)), byte(0x80 | (code & 0x3F));
  } else {
    byte(0xF0 | code >> 18), byte(0x80 | (code >> 12 & 0x3F)), byte(0x80 | (code >> 6 & 0x3F)), byte(0x80 | (code & 0x3F));
  }
}

}  // namespace

Json::Json(std::string_view text) : rest_{text} {}

void Json::blanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\n\r"), rest_.size())); }

char Json::peek() {
  blanks();
  return rest_.empty() ? '\0' : rest_[0];
}

bool Json::take(char c) {
  if (peek() != c || rest_.empty()) return false;
  rest_.remove_prefix(1);
  return true;
}

char Json::next() {
  const char c = rest_[0];
  rest_.remove_prefix(1);
  return c;
}

bool Json::at_end() {
  blanks();
  return rest_.empty();
}

bool Json::list(const std::function<bool()>& element) {
  if (depth_ >= kMaxDepth || !take('[')) return false;
  if (take(']')) return true;
  ++depth_;
  do {
    if (!element()) return false;
  } while (take(','));
  --depth_;
  return take(']');
}

bool Json::object(const std::function<bool(const std::string&)>& member) {
  if (depth_ >= kMaxDepth || !take('{')) return false;
  if (take('}')) return true;
  ++depth_;
  do {
    std::string name;
    if (!string(name) || !take(':') || !member(name)) return false;
  } while (take(','));
  --depth_;
  return take('}');
}

bool Json::string(std::string& out) {
  out.clear();
  if (!take('"')) return false;
  while (!rest_.empty()) {
    const char c = next();
    if (c == '"') return true;
    if (static_cast<unsigned char>(c) < 0x20) return false;
    if (c != '\\')
      out += c;
    else if (!escape(out))
      return false;
  }
  return false;
}

bool Json::word(std::string& out) {
  out.clear();
  blanks();
  while (!rest_.empty() && std::string_view{",]} \t\r\n"}.find(rest_[0]) == std::string_view::npos) out += next();
  if (out == "true" || out == "false" || out == "null") return true;
  return !out.empty() && out.find_first_not_of("0123456789+-.eE") == std::string::npos;
}

bool Json::scalar(std::string& out) { return peek() == '"' ? string(out) : word(out); }

bool Json::skip() {
  std::string ignored;
  if (peek() == '{') return object([this](const std::string&) { return skip(); });
  if (peek() == '[') return list([this] { return skip(); });
  return scalar(ignored);
}

bool Json::escape(std::string& out) {
  if (rest_.empty()) return false;
  const char c = next();
  constexpr std::string_view from = "\"\\/bfnrt";
  constexpr std::string_view to = "\"\\/\b\f\n\r\t";
  if (const auto at = from.find(c); at != std::string_view::npos) {
    out += to[at];
    return true;
  }
  unsigned code = 0;
  if (c != 'u' || !hex4(code)) return false;
  if (code >= 0xD800 && code < 0xDC00) {  // the first half of a surrogate pair
    unsigned second = 0;
    if (!rest_.starts_with("\\u")) return false;
    rest_.remove_prefix(2);
    if (!hex4(second) || second < 0xDC00 || second > 0xDFFF) return false;
    code = 0x10000 + ((code - 0xD800) << 10) + (second - 0xDC00);
  } else if (code >= 0xDC00 && code <= 0xDFFF) {
    return false;
  }
  append_utf8(out, code);
  return true;
}

bool Json::hex4(unsigned& code) {
  if (rest_.size() < 4) return false;
  for (int i = 0; i < 4; ++i) {
    const auto digit = std::string_view{"0123456789abcdef"}.find(lower(rest_.substr(0, 1)));
    if (digit == std::string_view::npos) return false;
    code = code * 16 + static_cast<unsigned>(digit);
    rest_.remove_prefix(1);
  }
  return true;
}

std::optional<std::vector<std::string>> parse_json_texts(std::string_view text) {
  Json json{text};
  std::vector<std::string> items;
  const bool ok = json.list([&] { return json.string(items.emplace_back()); });
  if (!ok || !json.at_end()) return std::nullopt;
  return items;
}

std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20) {
      std::array<char, 8> code{};
      std::snprintf(code.data(), code.size(), "\\u%04x", static_cast<unsigned>(c));
      out += code.data();
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

}  // namespace mth5::meta
