#include <algorithm>
#include <string_view>
#include <vector>

#include "acquisition/decode/text_fields.hpp"

namespace daq::decode {
namespace {

constexpr int kMaxDepth = 16;

/// It begins like a number, and is none of JSON: bytes of it were lost. "-054", "20.", ".06".
bool is_odd_number(std::string_view text) {
  const auto digits = [&] {
    const auto n = std::min(text.find_first_not_of("0123456789"), text.size());
    text.remove_prefix(n);
    return n;
  };
  const auto take = [&](std::string_view any) {
    if (text.empty() || any.find(text.front()) == std::string_view::npos) return false;
    text.remove_prefix(1);
    return true;
  };
  if (std::string_view{"+-.0123456789"}.find(text.front()) == std::string_view::npos) return false;  // a word
  take("-");
  const bool zero = text.starts_with('0');
  const auto whole = digits();
  if (whole == 0 || (zero && whole > 1)) return true;
  if (take(".") && digits() == 0) return true;
  if (take("eE")) {
    take("+-");
    if (digits() == 0) return true;
  }
  return !text.empty();
}

/// Reads one object; what the columns ask for becomes their fields.
class Object {
 public:
  Object(const std::vector<TextColumn>& columns, const char* p, const char* end)
      : columns_{columns}, values_(columns.size()), p_{p}, end_{end} {}

  /// @returns behind it; nullptr: it is none, or ends too early
  [[nodiscard]] const char* read() { return value(0) ? p_ : nullptr; }
  [[nodiscard]] bool cut() const { return p_ == end_; }
  [[nodiscard]] const std::vector<std::string_view>& values() const { return values_; }

 private:
  void blanks() {
    while (p_ != end_ && (*p_ == ' ' || *p_ == '\t' || *p_ == '\r')) ++p_;
  }
  bool take(char c) {
    blanks();
    if (p_ == end_ || *p_ != c) return false;
    ++p_;
    return true;
  }

  bool value(int depth) {
    blanks();
    if (p_ == end_ || depth > kMaxDepth) return false;
    if (*p_ == '{' || *p_ == '[') return members(*p_ == '{', depth);
    std::string_view text;
    const bool in_quotes = *p_ == '"';
    if (!(in_quotes ? quoted(text) : bare(text)) || (!in_quotes && is_odd_number(text))) return false;
    if (!in_quotes && text == "null") text = text.substr(0, 0);  // how JSON says that there is no value
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (columns_[i].key != path_) continue;
      if (values_[i].data() != nullptr) return false;  // twice: two lines that ran into each other
      values_[i] = text;
    }
    return true;
  }

  bool members(bool named, int depth) {
    const char close = named ? '}' : ']';
    ++p_;
    if (take(close)) return true;
    const auto length = path_.size();
    for (std::size_t n = 0;; ++n) {
      std::string_view key;
      blanks();
      if (p_ == end_) return false;
      if (named && (!(*p_ == '"' ? quoted(key) : bare(key)) || !take(':'))) return false;
      if (length != 0) path_ += '.';
      path_ += named ? std::string{key} : std::to_string(n);
      if (!value(depth + 1)) return false;
      path_.resize(length);
      if (take(close)) return true;
      if (!take(',')) return false;
    }
  }

  /// What stands between quotation marks, as it is.
  bool quoted(std::string_view& text) {
    const char* const begin = ++p_;
    for (; p_ != end_ && *p_ != '"'; ++p_) {
      if (static_cast<unsigned char>(*p_) < ' ') return false;
      if (*p_ == '\\' && ++p_ == end_) return false;
    }
    if (p_ == end_) return false;
    text = {begin, static_cast<std::size_t>(p_++ - begin)};
    return true;
  }
  /// A number, a word, a key without quotation marks. One at the end of the line is cut off: an object ends with its brace.
  bool bare(std::string_view& text) {
    const char* const begin = p_;
    constexpr std::string_view kEnds = ",:}] \t\r\"{[";
    while (p_ != end_ && static_cast<unsigned char>(*p_) >= ' ' && kEnds.find(*p_) == std::string_view::npos) ++p_;
    text = {begin, static_cast<std::size_t>(p_ - begin)};
    return !text.empty() && p_ != end_;
  }

  const std::vector<TextColumn>& columns_;
  std::vector<std::string_view> values_;
  std::string path_;
  const char* p_;
  const char* end_;
};

}  // namespace

JsonFields json_fields(const TextFormat& format, std::string_view text, std::string& fields) {
  Object object{format.columns, text.data(), text.data() + text.size()};
  const char* const end = object.read();
  if (end == nullptr) return {.cut = object.cut()};
  fields.clear();
  for (std::size_t i = 0; i < format.columns.size(); ++i) {
    if (i != 0) fields += kJsonDelimiter;
    fields += object.values()[i];
  }
  fields += kJsonDelimiter;  // so that the last field is not one that may have been cut
  return {.end = end};
}

TextLine decode_json_line(const TextFormat& format, std::span<const char> line, std::string& fields, std::span<double> channels,
                          std::span<double> soh) {
  const std::string_view text{line.data(), line.size()};
  const auto begin = text.find('{');
  if (begin != 0) return {.bytes = std::min(begin, text.size()), .column = format.columns.size()};
  const auto object = json_fields(format, text, fields);
  if (object.end == nullptr)
    return {.bytes = std::min(text.find('{', 1), text.size()),
            .why = object.cut ? Skip::CutOff : Skip::Garbage,
            .column = format.columns.size()};
  auto found = decode_fields(format, fields, true, channels, soh);
  found.bytes = static_cast<std::size_t>(object.end - text.data());
  if (text.find_first_not_of(" \t\r", found.bytes) == std::string_view::npos) found.bytes = text.size();
  return found;
}

}  // namespace daq::decode
