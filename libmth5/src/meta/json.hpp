#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mth5::meta {

/// Reads what attributes hold of JSON, front to back. Each call is false where the text is something else, and then the rest is
/// of no use. Nothing is kept of a text; nesting is limited. Thread: one.
class Json {
 public:
  explicit Json(std::string_view text);

  [[nodiscard]] bool at_end();
  /// Calls `element` where each element begins; it reads that element.
  [[nodiscard]] bool list(const std::function<bool()>& element);
  /// Calls `member` with the name of each member, where its value begins; it reads that value.
  [[nodiscard]] bool object(const std::function<bool(const std::string& name)>& member);
  [[nodiscard]] bool string(std::string& out);
  /// A number, `true`, `false` or `null`, as it is spelt; or a text.
  [[nodiscard]] bool scalar(std::string& out);
  /// Any value, which is only checked.
  [[nodiscard]] bool skip();

 private:
  void blanks();
  [[nodiscard]] char peek();
  bool take(char c);
  char next();
  bool word(std::string& out);
  bool escape(std::string& out);
  bool hex4(unsigned& code);

  std::string_view rest_;
  int depth_ = 0;
};

/// Elements of a JSON list of texts; nullopt if `text` is not one.
[[nodiscard]] std::optional<std::vector<std::string>> parse_json_texts(std::string_view text);
/// The text in quotes, with JSON's escapes.
[[nodiscard]] std::string json_text(std::string_view text);

}  // namespace mth5::meta
