#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

/// Checksums and CRCs of binary frames. Pure. Thread: any.
namespace daq::decode {

/// How a check is computed. A CRC has the Rocksoft fields; the others use init, which is where they begin, and xor_out.
struct CheckRule {
  enum class Kind : std::uint8_t { Xor, Sum, Fletcher, Crc };
  Kind kind = Kind::Xor;
  unsigned bits = 8;  ///< 8 to 32; Xor 8; Fletcher 16 (two bytes, A in the lower one)
  std::uint32_t poly = 0;
  std::uint32_t init = 0;
  bool reflect_in = false, reflect_out = false;
  std::uint32_t xor_out = 0;

  friend bool operator==(const CheckRule&, const CheckRule&) = default;
};

struct NamedCheck {
  std::string_view name;  ///< "crc16/ccitt-false"
  CheckRule rule;
  std::uint32_t of_digits;  ///< of the nine bytes "123456789": what catalogues print
};
/// All that have a name.
[[nodiscard]] std::span<const NamedCheck> named_checks();
[[nodiscard]] std::optional<CheckRule> find_check(std::string_view name);

/// One rule with its tables (8 KiB): some 1.5 bytes a ns for CRCs.
class Checksum {
 public:
  /// @throws std::invalid_argument if there is no such rule (bits)
  explicit Checksum(const CheckRule& rule);
  [[nodiscard]] std::uint32_t of(std::span<const char> bytes) const noexcept;
  [[nodiscard]] std::size_t size() const { return (rule_.bits + 7) / 8; }

 private:
  [[nodiscard]] std::uint32_t crc(std::span<const char> bytes) const noexcept;

  CheckRule rule_;
  std::uint32_t mask_;
  std::array<std::array<std::uint32_t, 256>, 8> tables_{};  ///< [k][b]: the state after byte b and k zero bytes
};

}  // namespace daq::decode
