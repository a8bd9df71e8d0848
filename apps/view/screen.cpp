#include "view/screen.hpp"

#include <wchar.h>

#include <algorithm>
#include <array>

#include "mth5/printable.hpp"

namespace view {

namespace {

/// Takes the first character off valid UTF-8.
char32_t take_character(std::string_view& text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  const std::size_t n = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  char32_t code = n == 1 ? first : first & (0x7fU >> n);
  for (std::size_t i = 1; i < n && i < text.size(); ++i) code = code << 6 | (byte(i) & 0x3fU);
  text.remove_prefix(std::min(n, text.size()));
  return code;
}

void append_utf8(std::string& text, char32_t code) {
  const auto add = [&](char32_t byte) { text += static_cast<char>(byte); };
  if (code < 0x80) {
    add(code);
  } else if (code < 0x800) {
    add(0xc0 | code >> 6);
    add(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    add(0xe0 | code >> 12);
    add(0x80 | (code >> 6 & 0x3f));
    add(0x80 | (code & 0x3f));
  } else {
    add(0xf0 | code >> 18);
    add(0x80 | (code >> 12 & 0x3f));
    add(0x80 | (code >> 6 & 0x3f));
    add(0x80 | (code & 0x3f));
  }
}

/// -1: the terminal cannot show it.
int width_of(char32_t code) { return code < 0x80 ? 1 : wcwidth(static_cast<wchar_t>(code)); }

}  // namespace

int width_of(std::string_view text) {
  const auto safe = mth5::printable(text);
  int width = 0;
  for (std::string_view left = safe; !left.empty();) {
    const int columns = width_of(take_character(left));
    width += columns < 0 ? 1 : columns;
  }
  return width;
}

std::string cut_to(std::string_view text, int room) {
  auto cut = mth5::printable(text);
  if (width_of(cut) <= room) return cut;
  while (!cut.empty() && width_of(cut) >= room) {
    while ((cut.back() & 0xc0) == 0x80) cut.pop_back();  // of one character
    cut.pop_back();
  }
  return cut + "~";
}

int Screen::put(int row, int column, std::string_view text, Ink ink) {
  const auto safe = mth5::printable(text);
  for (std::string_view left = safe; !left.empty();) {
    const char32_t code = take_character(left);
    const int columns = width_of(code);
    if (columns < 0) {
      set(row, column++, U'?', ink);
    } else if (columns == 0) {
      if (has(row, column - 1) && cells_[index(row, column - 1)].glyph != 0) cells_[index(row, column - 1)].mark = code;
    } else if (columns == 1 || has(row, column + 1)) {
      set(row, column, code, ink);
      if (columns == 2) set(row, column + 1, 0, ink);
      column += columns;
    } else {
      set(row, column, U' ', ink);  // half of it would be outside
      column += columns;
    }
  }
  return column;
}

void Screen::set(int row, int column, char32_t glyph, Ink ink) {
  if (has(row, column)) cells_[index(row, column)] = {glyph, 0, ink};
}

void Screen::fill(int row, Ink ink, int from) {
  for (int column = from; column < columns_; ++column) set(row, column, U' ', ink);
}

std::string Screen::line(int row) const {
  std::string text;
  for (int column = 0; column < columns_; ++column) {
    const auto& cell = at(row, column);
    if (cell.glyph != 0) append_utf8(text, cell.glyph);
    if (cell.mark != 0) append_utf8(text, cell.mark);
  }
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

std::string Screen::text() const {
  std::string all;
  for (int row = 0; row < rows_; ++row) all += line(row) + "\n";
  return all;
}

Canvas::Canvas(int rows, int columns, Glyphs glyphs)
    : rows_{rows},
      columns_{columns},
      across_{glyphs == Glyphs::Braille ? 2 : 1},
      down_{glyphs == Glyphs::Braille ? 4 : 2},
      glyphs_{glyphs},
      cells_(static_cast<std::size_t>(std::max(0, rows) * std::max(0, columns))) {}

void Canvas::set(int x, int y) {
  if (x < 0 || y < 0 || x >= width() || y >= height()) return;
  // Of a braille cell the lower two points came later than the upper six, and have the bits behind.
  constexpr std::array<std::array<unsigned char, 4>, 2> kBits{{{0x01, 0x02, 0x04, 0x40}, {0x08, 0x10, 0x20, 0x80}}};
  const auto bit = kBits.at(static_cast<std::size_t>(x % across_)).at(static_cast<std::size_t>(y % down_));
  auto& cell = cells_[static_cast<std::size_t>(y / down_ * columns_ + x / across_)];
  cell = static_cast<unsigned char>(cell | bit);
}

void Canvas::column(int x, int from, int to) {
  for (int y = std::max(0, std::min(from, to)); y <= std::min(height() - 1, std::max(from, to)); ++y) set(x, y);
}

char32_t Canvas::glyph(int row, int column) const {
  const auto points = cells_[static_cast<std::size_t>(row * columns_ + column)];
  if (points == 0) return U' ';
  if (glyphs_ == Glyphs::Braille) return U'\u2800' + points;
  constexpr std::array<char32_t, 4> kBlocks{U' ', U'\u2580', U'\u2584', U'\u2588'};
  constexpr std::array<char32_t, 4> kAscii{U' ', U'\'', U'.', U'|'};
  return (glyphs_ == Glyphs::Blocks ? kBlocks : kAscii).at(points);
}

void Canvas::draw(Screen& screen, int row, int column, Ink ink) const {
  for (int r = 0; r < rows_; ++r)
    for (int c = 0; c < columns_; ++c)
      if (const auto found = glyph(r, c); found != U' ') screen.set(row + r, column + c, found, ink);
}

}  // namespace view
