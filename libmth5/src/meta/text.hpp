#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

/// Small text helpers of the metadata model. ASCII only: other bytes count as letters without case. Thread: pure functions.
namespace mth5::meta {

[[nodiscard]] std::string_view trimmed(std::string_view text);
[[nodiscard]] std::string lower(std::string_view text);
/// Lower case without blanks, '-' and '_': equal for spellings of the same option.
[[nodiscard]] std::string folded(std::string_view text);
/// In quotes, for a message of one line: what is beyond 60 bytes is cut, control characters become blanks.
[[nodiscard]] std::string quoted(std::string_view text);
/// Pieces between `separator`, trimmed; one empty piece for an empty text.
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);

/// Insertions, deletions and replacements from one text to the other, without regard to case.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

[[nodiscard]] bool is_utf8(std::string_view text);

}  // namespace mth5::meta
