#include "mth5/printable.hpp"

#include <string>

#include <gtest/gtest.h>

namespace {

using mth5::printable;
using mth5::printable_lines;

TEST(Printable, LeavesTextOfAnyLanguageAlone) {
  for (const std::string text : {"", "MT001 ex, 12.5 mV/km", "Küste 北 µV → ½ 🧲", "back\\slash 'quote'"})
    EXPECT_EQ(printable(text), text);
}

TEST(Printable, WritesOutWhatATerminalWouldObey) {
  EXPECT_EQ(printable("\x1b[31mred\x1b]0;title\x07"), "\\x1b[31mred\\x1b]0;title\\x07");
  EXPECT_EQ(printable("a\rb\nc\td\x7f"), "a\\x0db\\x0ac\\x09d\\x7f");
  EXPECT_EQ(printable(std::string{"a\0b", 3}), "a\\x00b");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "\\u009b31m");  // CSI as UTF-8 encodes it
  EXPECT_EQ(printable("\x9b"
                      "31m"),
            "\\x9b31m");  // and as one byte
}

TEST(Printable, WritesOutWhatTurnsOrHidesText) {
  EXPECT_EQ(printable("a\u202Eb"), "a\\u202eb");
  EXPECT_EQ(printable("a\u2066b\u2069"), "a\\u2066b\\u2069");
  EXPECT_EQ(printable("a\u200Eb\u061C"), "a\\u200eb\\u061c");
  EXPECT_EQ(printable("a\u2028b\uFEFF"), "a\\u2028b\\ufeff");
  EXPECT_EQ(printable("a\U000E0041"), "a\\U000e0041");
}

TEST(Printable, WritesOutBytesThatAreNotUtf8) {
  EXPECT_EQ(printable("\xff\xfe"), "\\xff\\xfe");
  EXPECT_EQ(printable("K\xfcste"), "K\\xfcste");            // Latin-1
  EXPECT_EQ(printable("\xc0\x9b"), "\\xc0\\x9b");           // overlong
  EXPECT_EQ(printable("\xe0\x80\x9b"), "\\xe0\\x80\\x9b");  // overlong
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // half of a pair
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
  EXPECT_EQ(printable("\xe2\x82"), "\\xe2\\x82");  // cut off
}

TEST(Printable, KeepsTheLinesOfAPageButNotThoseOfAName) {
  EXPECT_EQ(printable_lines("a\n\x1b[2J\nb\n"), "a\n\\x1b[2J\nb\n");
  EXPECT_EQ(printable("S1\nState    live"), "S1\\x0aState    live");
}

TEST(Printable, ChangesNothingASecondTime) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  all += "\u202E\u009B\U000E0041";
  EXPECT_EQ(printable(printable(all)), printable(all));
  EXPECT_EQ(printable_lines(printable_lines(all)), printable_lines(all));
}

}  // namespace
