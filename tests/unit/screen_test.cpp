#include "view/screen.hpp"

#include <array>
#include <clocale>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

using view::Canvas;
using view::Glyphs;
using view::Ink;
using view::Screen;

class ScreenOfUtf8 : public testing::Test {
 protected:
  ScreenOfUtf8() { std::setlocale(LC_CTYPE, "C.UTF-8"); }
  ~ScreenOfUtf8() override { std::setlocale(LC_CTYPE, "C"); }
};

TEST_F(ScreenOfUtf8, TakesTextOfAnyWidth) {
  Screen screen{2, 10};
  EXPECT_EQ(screen.put(0, 1, "ab", Ink::Good), 3);
  EXPECT_EQ(screen.put(0, 4, "站a"), 7);
  EXPECT_EQ(screen.at(0, 4).glyph, U'站');
  EXPECT_EQ(screen.at(0, 5).glyph, U'\0');
  EXPECT_EQ(screen.at(0, 6).glyph, U'a');
  EXPECT_EQ(screen.at(0, 1), (view::Cell{U'a', 0, Ink::Good}));
  EXPECT_EQ(screen.put(1, 0, "e\u0301x"), 2) << "an accent takes no column";
  EXPECT_EQ(screen.at(1, 0).mark, U'\u0301');
  EXPECT_EQ(screen.text(), " ab 站a\ne\u0301x\n");
}

TEST_F(ScreenOfUtf8, CutsOffWhatIsOutside) {
  Screen screen{1, 4};
  EXPECT_EQ(screen.put(0, 2, "abcd"), 6);
  EXPECT_EQ(screen.line(0), "  ab");
  screen.put(0, -1, "xyz");
  EXPECT_EQ(screen.line(0), "yzab");
  screen.put(0, 3, "站");
  EXPECT_EQ(screen.line(0), "yza") << "no half of a wide character";
  screen.put(1, 0, "no such row");
  screen.put(-1, 0, "nor this");
  EXPECT_EQ(screen.text(), "yza\n");
}

TEST_F(ScreenOfUtf8, ShowsNothingThatATerminalObeys) {
  Screen screen{1, 80};
  screen.put(0, 0, "a\x1b[2Jb\u0085c\u202ed\u2066e\x07\xff");
  const auto line = screen.line(0);
  for (const char32_t c : {U'\x1b', U'\u0085', U'\u202e', U'\u2066', U'\x07'})
    for (int column = 0; column < 80; ++column) EXPECT_NE(screen.at(0, column).glyph, c);
  EXPECT_EQ(line, R"(a\x1b[2Jb\u0085c\u202ed\u2066e\x07\xff)");
}

TEST(Screen, OfAnotherCharacterSetShowsAQuestionMark) {
  std::setlocale(LC_CTYPE, "C");
  Screen screen{1, 10};
  EXPECT_EQ(screen.put(0, 0, "a站b"), 3);
  EXPECT_EQ(screen.line(0), "a?b");
}

/// The number of a braille character by the table of the Unicode standard: dots 1 to 8, of which 1, 2, 3 and 7 are the left
/// column.
char32_t braille(const std::array<std::array<bool, 2>, 4>& points) {
  constexpr std::array<std::array<int, 2>, 4> kDots{{{1, 4}, {2, 5}, {3, 6}, {7, 8}}};
  char32_t code = 0x2800;
  for (std::size_t y = 0; y < 4; ++y)
    for (std::size_t x = 0; x < 2; ++x)
      if (points.at(y).at(x)) code += 1U << (kDots.at(y).at(x) - 1);
  return code;
}

TEST(Canvas, HasTheBrailleCellsOfAnotherRasteriser) {
  std::mt19937 random{1};
  for (int round = 0; round < 200; ++round) {
    Canvas canvas{3, 5, Glyphs::Braille};
    ASSERT_EQ(canvas.width(), 10);
    ASSERT_EQ(canvas.height(), 12);
    std::array<std::array<bool, 10>, 12> points{};
    for (int i = 0; i < 20; ++i) {
      const int x = static_cast<int>(random() % 14) - 2, a = static_cast<int>(random() % 16) - 2,
                b = static_cast<int>(random() % 16) - 2;
      canvas.column(x, a, b);
      for (int y = 0; y < 12; ++y)
        if (x >= 0 && x < 10 && y >= std::min(a, b) && y <= std::max(a, b)) points.at(std::size_t(y)).at(std::size_t(x)) = true;
      if (round % 2 == 0) break;
    }
    for (int row = 0; row < 3; ++row)
      for (int column = 0; column < 5; ++column) {
        std::array<std::array<bool, 2>, 4> cell{};
        bool any = false;
        for (std::size_t y = 0; y < 4; ++y)
          for (std::size_t x = 0; x < 2; ++x)
            any |= cell.at(y).at(x) = points.at(std::size_t(row) * 4 + y).at(std::size_t(column) * 2 + x);
        EXPECT_EQ(canvas.glyph(row, column), any ? braille(cell) : U' ') << round << ": " << row << ", " << column;
      }
  }
}

TEST(Canvas, MakesDoWithBlocksAndAscii) {
  for (const auto glyphs : {Glyphs::Blocks, Glyphs::Ascii}) {
    Canvas canvas{1, 3, glyphs};
    EXPECT_EQ(canvas.width(), 3);
    EXPECT_EQ(canvas.height(), 2);
    canvas.set(0, 0);
    canvas.set(1, 1);
    canvas.column(2, 0, 1);
    Screen screen{1, 3};
    canvas.draw(screen, 0, 0, Ink::Trace);
    EXPECT_EQ(screen.text(), glyphs == Glyphs::Blocks ? "\u2580\u2584\u2588\n" : "'.|\n");
  }
}

}  // namespace
