#include "meta/text.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "mth5/metadata.hpp"

namespace mth5::meta {
namespace {

constexpr bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

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

/// Reads what attributes hold of JSON: lists of texts, and lists of objects, which are only checked.
class Json {
 public:
  explicit Json(std::string_view text) : rest_{trimmed(text)} {}

  [[nodiscard]] bool at_end() {
    blanks();
    return rest_.empty();
  }

  /// Calls `element` where each element begins.
  template <class Element>
  bool list(Element element) {
    if (!take('[')) return false;
    if (take(']')) return true;
    do {
      if (!element()) return false;
    } while (take(','));
    return take(']');
  }

  bool string(std::string& out) {
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

  /// An object; `named` says whether it has a member `name`, itself or in an object inside.
  bool object(bool& named, int depth = 0) {
    if (depth > kMaxDepth || !take('{')) return false;
    if (take('}')) return true;
    do {
      std::string key;
      if (!string(key) || !take(':')) return false;
      named = named || key == "name";
      if (!value(named, depth + 1)) return false;
    } while (take(','));
    return take('}');
  }

 private:
  static constexpr int kMaxDepth = 16;

  void blanks() {
    while (!rest_.empty() && is_blank(rest_[0])) rest_.remove_prefix(1);
  }
  bool take(char c) {
    blanks();
    if (rest_.empty() || rest_[0] != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  char next() {
    const char c = rest_[0];
    rest_.remove_prefix(1);
    return c;
  }

  bool value(bool& named, int depth) {
    blanks();
    if (depth > kMaxDepth || rest_.empty()) return false;
    std::string text;
    bool ignored = false;
    if (rest_[0] == '"') return string(text);
    if (rest_[0] == '{') return object(named, depth);
    if (rest_[0] == '[') return list([&] { return value(ignored, depth + 1); });
    while (!rest_.empty() && std::string_view{",]} \t\r\n"}.find(rest_[0]) == std::string_view::npos) text += next();
    if (text == "true" || text == "false" || text == "null") return true;
    return !text.empty() && text.find_first_not_of("0123456789+-.eE") == std::string::npos;
  }

  bool escape(std::string& out) {
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

  bool hex4(unsigned& code) {
    if (rest_.size() < 4) return false;
    for (int i = 0; i < 4; ++i) {
      const auto digit = std::string_view{"0123456789abcdef"}.find(meta::lower(rest_.substr(0, 1)));
      if (digit == std::string_view::npos) return false;
      code = code * 16 + static_cast<unsigned>(digit);
      rest_.remove_prefix(1);
    }
    return true;
  }

  std::string_view rest_;
};

}  // namespace

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::string lower(std::string_view text) {
  std::string out;
  for (const char c : text) out += lower(c);
  return out;
}

std::string folded(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (c != ' ' && c != '-' && c != '_') out += lower(c);
  return out;
}

std::string quoted(std::string_view text) {
  std::size_t shown = std::min<std::size_t>(text.size(), 60);
  while (shown > 0 && shown < text.size() && (static_cast<unsigned char>(text[shown]) & 0xC0) == 0x80)
    --shown;  // not inside a letter
  std::string out = "'";
  for (const char c : text.substr(0, shown)) out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  return out + (shown < text.size() ? "…'" : "'");
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  for (;;) {
    const auto at = text.find(separator);
    pieces.push_back(trimmed(text.substr(0, at)));
    if (at == std::string_view::npos) return pieces;
    text.remove_prefix(at + 1);
  }
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (lower(a[i]) == lower(b[j]) ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row[b.size()];
}

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto at = [&](std::size_t k) { return static_cast<unsigned char>(text[k]); };
    const unsigned lead = at(i);
    const std::size_t n = lead < 0x80                   ? 1
                          : lead >= 0xC2 && lead < 0xE0 ? 2
                          : lead >= 0xE0 && lead < 0xF0 ? 3
                          : lead < 0xF5                 ? 4
                                                        : 0;
    if (n == 0 || (lead >= 0x80 && lead < 0xC2) || i + n > text.size()) return false;
    for (std::size_t k = 1; k < n; ++k)
      if ((at(i + k) & 0xC0) != 0x80) return false;
    if (n > 2) {  // no longer form than needed, no surrogates, nothing behind U+10FFFF
      const unsigned second = at(i + 1);
      if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F)) return false;
      if ((lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F)) return false;
    }
    i += n;
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

bool is_json_list_of_named_objects(std::string_view text) {
  Json json{text};
  const bool ok = json.list([&] {
    bool named = false;
    return json.object(named) && named;
  });
  return ok && json.at_end();
}

}  // namespace mth5::meta

namespace mth5 {

std::string_view nearest(std::string_view text, std::span<const std::string_view> candidates) {
  if (text.size() > 200) return {};
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(text.size() / 3, 1) + 1;
  for (const auto candidate : candidates)
    if (const auto distance = meta::edit_distance(text, candidate); distance < best_distance && distance < candidate.size()) {
      best = candidate;
      best_distance = distance;
    }
  return best;
}

}  // namespace mth5
