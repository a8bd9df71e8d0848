#include "acquisition/decode/checksum.hpp"

#include <gtest/gtest.h>

#include <random>
#include <stdexcept>
#include <string>

#include "support/frames.hpp"

namespace {

using namespace daq::decode;

TEST(Checksum, GivesWhatCataloguesPrintForNineDigits) {
  const std::string digits = "123456789";
  ASSERT_GE(named_checks().size(), 15u);
  for (const auto& check : named_checks()) EXPECT_EQ(Checksum{check.rule}.of(digits), check.of_digits) << check.name;
}

TEST(Checksum, GivesTheSameAsBitByBitForAnyLength) {
  std::mt19937_64 random{16};
  const Checksum high{*find_check("crc16/ccitt-false")}, low{*find_check("crc32/iso-hdlc")};
  std::string bytes;
  for (int n = 0; n < 100; ++n) {
    EXPECT_EQ(high.of(bytes), support::ccitt_false(bytes)) << n;
    EXPECT_EQ(low.of(bytes), support::iso_hdlc(bytes)) << n;
    bytes += static_cast<char>(random());
  }
}

TEST(Checksum, OfSumsBeginsWithInitAndIsCombinedWithXorOut) {
  EXPECT_EQ(Checksum({.kind = CheckRule::Kind::Sum, .bits = 8, .init = 0x9B}).of(std::string{"\x01\x02"}), 0x9Eu) << "ADS1263";
  const CheckRule negative{.kind = CheckRule::Kind::Sum, .bits = 8, .init = 0xFF, .xor_out = 0xFF};
  EXPECT_EQ(Checksum{negative}.of(std::string{"\x01\x02"}), 0xFDu) << "two's complement of the sum";
  EXPECT_EQ(Checksum({.kind = CheckRule::Kind::Sum, .bits = 24}).size(), 3u);
}

TEST(Checksum, RefusesWidthsThatItHasNot) {
  EXPECT_THROW(Checksum({.kind = CheckRule::Kind::Crc, .bits = 7}), std::invalid_argument);
  EXPECT_THROW(Checksum({.kind = CheckRule::Kind::Crc, .bits = 33}), std::invalid_argument);
  EXPECT_THROW(Checksum({.kind = CheckRule::Kind::Xor, .bits = 16}), std::invalid_argument);
  EXPECT_FALSE(find_check("crc17"));
}

}  // namespace
