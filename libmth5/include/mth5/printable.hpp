#pragma once

#include <string>
#include <string_view>

/// Text of files on its way to people: names, metadata and tables of a file may hold anything, and a terminal obeys what it is
/// sent. Thread: pure.
namespace mth5 {

/// One line in valid UTF-8 that no terminal takes for a command and no viewer shows in another order: control characters (C0,
/// DEL, C1 also where UTF-8 encodes them), marks that turn the direction of text or show nothing, and bytes that are not UTF-8
/// are written out as \x1b, \u202e or \U000e0001. All other text stays as it is; what was printable once does not change again.
[[nodiscard]] std::string printable(std::string_view text);

/// The same for a page: ends of lines stay. For a name use printable(), or the name can pretend to be a line.
[[nodiscard]] std::string printable_lines(std::string_view text);

}  // namespace mth5
