#include "acquisition/decode/checksum.hpp"

#include <algorithm>
#include <stdexcept>

namespace daq::decode {

namespace {

using RuleKind = CheckRule::Kind;

constexpr NamedCheck kNamed[] = {
    {"xor8", {RuleKind::Xor, 8}, 0x31},
    {"sum8", {RuleKind::Sum, 8}, 0xDD},
    {"sum16", {RuleKind::Sum, 16}, 0x01DD},
    {"fletcher8", {RuleKind::Fletcher, 16}, 0x15DD},  // of UBX and others: RFC 1145, sums modulo 256
    {"crc8", {RuleKind::Crc, 8, 0x07}, 0xF4},
    {"crc8/maxim", {RuleKind::Crc, 8, 0x31, 0, true, true}, 0xA1},
    {"crc16/ccitt-false", {RuleKind::Crc, 16, 0x1021, 0xFFFF}, 0x29B1},
    {"crc16/xmodem", {RuleKind::Crc, 16, 0x1021}, 0x31C3},
    {"crc16/kermit", {RuleKind::Crc, 16, 0x1021, 0, true, true}, 0x2189},
    {"crc16/x25", {RuleKind::Crc, 16, 0x1021, 0xFFFF, true, true, 0xFFFF}, 0x906E},
    {"crc16/arc", {RuleKind::Crc, 16, 0x8005, 0, true, true}, 0xBB3D},
    {"crc16/modbus", {RuleKind::Crc, 16, 0x8005, 0xFFFF, true, true}, 0x4B37},
    {"crc16/buypass", {RuleKind::Crc, 16, 0x8005}, 0xFEE8},
    {"crc24/openpgp", {RuleKind::Crc, 24, 0x864CFB, 0xB704CE}, 0x21CF02},
    {"crc32/iso-hdlc", {RuleKind::Crc, 32, 0x04C11DB7, 0xFFFFFFFF, true, true, 0xFFFFFFFF}, 0xCBF43926},
    {"crc32/iscsi", {RuleKind::Crc, 32, 0x1EDC6F41, 0xFFFFFFFF, true, true, 0xFFFFFFFF}, 0xE3069283},
    {"crc32/mpeg-2", {RuleKind::Crc, 32, 0x04C11DB7, 0xFFFFFFFF}, 0x0376E6E7},
};

constexpr std::uint32_t reflected(std::uint32_t value, unsigned bits) {
  std::uint32_t result = 0;
  for (unsigned i = 0; i < bits; ++i) result |= (value >> i & 1U) << (bits - 1 - i);
  return result;
}

std::uint32_t low_byte(char c) { return static_cast<unsigned char>(c); }

}  // namespace

std::span<const NamedCheck> named_checks() { return kNamed; }

std::optional<CheckRule> find_check(std::string_view name) {
  const auto* const found =
      std::find_if(std::begin(kNamed), std::end(kNamed), [&](const NamedCheck& check) { return check.name == name; });
  return found == std::end(kNamed) ? std::nullopt : std::optional{found->rule};
}

Checksum::Checksum(const CheckRule& rule)
    : rule_{rule}, mask_{rule.bits >= 32 ? 0xFFFFFFFFU : (std::uint32_t{1} << rule.bits) - 1} {
  const bool good = rule.kind == RuleKind::Xor        ? rule.bits == 8
                    : rule.kind == RuleKind::Fletcher ? rule.bits == 16
                                                      : rule.bits >= 8 && rule.bits <= 32;
  if (!good) throw std::invalid_argument{"checksum of " + std::to_string(rule.bits) + " bits"};
  if (rule.kind != RuleKind::Crc) return;
  // The state stands at the lower end of 32 bits where bits come in reflected, else at the upper end: so one loop serves all
  // widths.
  const auto poly = rule.reflect_in ? reflected(rule.poly, rule.bits) : rule.poly << (32 - rule.bits);
  const auto step = [&](std::uint32_t state) {
    const bool out = (rule.reflect_in ? state & 1U : state >> 31) != 0;
    return (rule.reflect_in ? state >> 1 : state << 1) ^ (out ? poly : 0);
  };
  // What two bytes give together is the exclusive or of what each gives, so the bytes of one bit are enough.
  for (std::size_t bit = 1; bit < 256; bit *= 2) {
    auto state = static_cast<std::uint32_t>(bit);
    if (!rule.reflect_in) state <<= 24;
    for (auto& table : tables_) {
      for (int i = 0; i < 8; ++i) state = step(state);
      for (std::size_t b = 0; b < bit; ++b) table[bit + b] = table[b] ^ state;
    }
  }
}

std::uint32_t Checksum::crc(std::span<const char> bytes) const noexcept {
  const auto& t = tables_;
  const char* p = bytes.data();
  const char* const end = p + bytes.size();
  if (rule_.reflect_in) {
    auto state = reflected(rule_.init, rule_.bits);
    for (; end - p >= 8; p += 8) {
      const auto low = state ^ (low_byte(p[0]) | low_byte(p[1]) << 8 | low_byte(p[2]) << 16 | low_byte(p[3]) << 24);
      state = t[7][low & 0xFF] ^ t[6][low >> 8 & 0xFF] ^ t[5][low >> 16 & 0xFF] ^ t[4][low >> 24] ^ t[3][low_byte(p[4])] ^
              t[2][low_byte(p[5])] ^ t[1][low_byte(p[6])] ^ t[0][low_byte(p[7])];
    }
    for (; p != end; ++p) state = state >> 8 ^ t[0][(state ^ low_byte(*p)) & 0xFF];
    return rule_.reflect_out ? state : reflected(state, rule_.bits);
  }
  auto state = rule_.init << (32 - rule_.bits);
  for (; end - p >= 8; p += 8) {
    const auto high = state ^ (low_byte(p[0]) << 24 | low_byte(p[1]) << 16 | low_byte(p[2]) << 8 | low_byte(p[3]));
    state = t[7][high >> 24] ^ t[6][high >> 16 & 0xFF] ^ t[5][high >> 8 & 0xFF] ^ t[4][high & 0xFF] ^ t[3][low_byte(p[4])] ^
            t[2][low_byte(p[5])] ^ t[1][low_byte(p[6])] ^ t[0][low_byte(p[7])];
  }
  for (; p != end; ++p) state = state << 8 ^ t[0][state >> 24 ^ low_byte(*p)];
  state >>= 32 - rule_.bits;
  return rule_.reflect_out ? reflected(state, rule_.bits) : state;
}

std::uint32_t Checksum::of(std::span<const char> bytes) const noexcept {
  std::uint32_t value = rule_.init;
  switch (rule_.kind) {
    case RuleKind::Xor:
      for (const char c : bytes) value ^= low_byte(c);
      break;
    case RuleKind::Sum:
      for (const char c : bytes) value += low_byte(c);
      break;
    case RuleKind::Fletcher: {
      std::uint32_t a = value & 0xFF, b = value >> 8 & 0xFF;
      for (const char c : bytes) {
        a = (a + low_byte(c)) & 0xFF;
        b = (b + a) & 0xFF;
      }
      value = a | b << 8;
      break;
    }
    case RuleKind::Crc:
      value = crc(bytes);
      break;
  }
  return (value ^ rule_.xor_out) & mask_;
}

}  // namespace daq::decode
