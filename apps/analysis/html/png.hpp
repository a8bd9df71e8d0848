#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace analysis::html {

/// A picture of few colours as a PNG, not compressed: it is small. Thread: pure.
/// @param pixels   numbers of colours, row by row from the top; the first colour is transparent
/// @param colours  red, green, blue; at most 256
[[nodiscard]] std::string png(std::size_t width, std::span<const std::uint8_t> pixels,
                              std::span<const std::array<std::uint8_t, 3>> colours);

}  // namespace analysis::html
