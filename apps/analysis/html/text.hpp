#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "mth5/time.hpp"

/// Pieces of a page that stands alone: no script, no request to anywhere. Thread: pure functions of values.
namespace analysis::html {

/// Text of a file for text and attributes of HTML and SVG: control characters and marks that turn text are written out, and
/// & < > " ' are escaped.
[[nodiscard]] std::string escaped(std::string_view text);
/// <NAME ATTRIBUTES>CONTENT</NAME>. @param attributes, content  HTML already
[[nodiscard]] std::string element(std::string_view name, std::string_view attributes, std::string_view content);

/// A figure as people read it, with all of its digits for programs: <data value="12.3456789">12.35</data>; "-" if it is not
/// known.
[[nodiscard]] std::string figure(double value, std::string_view shown);
[[nodiscard]] std::string figure(std::int64_t value);
/// Of at most seven digits, without an exponent where that is short.
[[nodiscard]] std::string figure(double value);
/// <time>; "-" if it is not known. Decimals of seconds are left out for people.
[[nodiscard]] std::string time(std::optional<mth5::UtcNanos> value);

/// From the doctype to the end of the head, with the style of style.hpp. @param title, more  HTML already
[[nodiscard]] std::string page_head(std::string_view title, std::string_view more = {});

/// RFC 4648, for data: addresses.
[[nodiscard]] std::string base64(std::string_view bytes);

}  // namespace analysis::html
