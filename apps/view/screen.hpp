#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

/// What the full screen of mth5-monitor shows, without a terminal: a grid of characters, and pure functions that fill it.
namespace view {

/// What a character means; the terminal decides how that looks, and no meaning is in the colour alone. Thread: constants.
enum class Ink : unsigned char { Plain, Quiet, Title, Good, Warning, Critical, Trace, Other, Selected };

/// Characters that a terminal can show.
enum class Glyphs { Braille, Blocks, Ascii };

struct Cell {
  char32_t glyph = U' ';  ///< 0: the right half of the wide character to the left
  char32_t mark = 0;      ///< an accent on it; 0 = none
  Ink ink = Ink::Plain;

  friend bool operator==(const Cell&, const Cell&) = default;
};

/// Rows of cells, blank at first. What is put outside is cut off. Thread: a value.
class Screen {
 public:
  Screen(int rows, int columns) : rows_{rows}, columns_{columns}, cells_(static_cast<std::size_t>(rows * columns)) {}

  /// Text of any origin, as mth5::printable() has it, in as many columns as wcwidth() says.
  /// @returns the column behind it, as if nothing was cut off
  int put(int row, int column, std::string_view text, Ink ink = Ink::Plain);
  /// One character that takes one column.
  void set(int row, int column, char32_t glyph, Ink ink = Ink::Plain);
  /// Fills a row with blanks of an ink, from a column on.
  void fill(int row, Ink ink, int from = 0);

  [[nodiscard]] int rows() const { return rows_; }
  [[nodiscard]] int columns() const { return columns_; }
  [[nodiscard]] const Cell& at(int row, int column) const { return cells_[index(row, column)]; }
  /// A row as UTF-8, without blanks at its end.
  [[nodiscard]] std::string line(int row) const;
  /// All rows, each with its end of line.
  [[nodiscard]] std::string text() const;

 private:
  [[nodiscard]] bool has(int row, int column) const { return row >= 0 && row < rows_ && column >= 0 && column < columns_; }
  [[nodiscard]] std::size_t index(int row, int column) const { return static_cast<std::size_t>(row * columns_ + column); }

  int rows_, columns_;
  std::vector<Cell> cells_;
};

/// Columns that a text takes on a screen. Needs a locale of UTF-8, as put() does: in others all but ASCII is shown as '?'.
[[nodiscard]] int width_of(std::string_view text);
/// Text of a file, or as much of it as there is room for, and a sign that there is more.
[[nodiscard]] std::string cut_to(std::string_view text, int room);

/// Points finer than characters: 2 x 4 in a braille cell, 1 x 2 in a block or an ASCII character. Thread: a value.
class Canvas {
 public:
  Canvas(int rows, int columns, Glyphs glyphs);

  [[nodiscard]] int width() const { return columns_ * across_; }  ///< points
  [[nodiscard]] int height() const { return rows_ * down_; }
  /// A point, from the top left; those outside are left out.
  void set(int x, int y);
  /// All points of a column from one to the other, both included.
  void column(int x, int from, int to);
  /// The character of a cell; a blank where there is no point.
  [[nodiscard]] char32_t glyph(int row, int column) const;
  /// Puts all cells that are not blank on a screen.
  void draw(Screen& screen, int row, int column, Ink ink) const;

 private:
  int rows_, columns_, across_, down_;
  Glyphs glyphs_;
  std::vector<unsigned char> cells_;  ///< a bit for each point, as in braille
};

}  // namespace view
