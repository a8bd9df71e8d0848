#include "archive/sha256.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <vector>

#include <openssl/evp.h>

#include "mth5/error.hpp"
#include "mth5/filesystem.hpp"

namespace archive {

void Sha256::Free::operator()(evp_md_ctx_st* context) const noexcept { EVP_MD_CTX_free(context); }

Sha256::Sha256() : context_{EVP_MD_CTX_new()} {
  if (context_ == nullptr || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1)
    throw mth5::StateError{"OpenSSL gives no SHA-256"};
}

void Sha256::add(std::span<const std::byte> bytes) {
  if (EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) != 1) throw mth5::StateError{"OpenSSL: SHA-256 failed"};
}

std::string Sha256::hex() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned n = 0;
  if (EVP_DigestFinal_ex(context_.get(), digest.data(), &n) != 1) throw mth5::StateError{"OpenSSL: SHA-256 failed"};
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (unsigned i = 0; i < n; ++i) {
    text += kDigits[digest.at(i) >> 4U];
    text += kDigits[digest.at(i) & 15U];
  }
  return text;
}

std::string sha256_of(const std::filesystem::path& file) {
  constexpr std::size_t kBlock = std::size_t{1} << 18;
  const auto opened = mth5::open_regular(file);
  Sha256 hash;
  std::vector<std::byte> block(kBlock);
  for (;;) {
    const ssize_t n = ::read(opened.get(), block.data(), block.size());
    if (n == 0) return hash.hex();
    if (n > 0)
      hash.add({block.data(), static_cast<std::size_t>(n)});
    else if (errno != EINTR)
      throw mth5::FileError{file.string() + ": cannot be read: " + std::generic_category().message(errno)};
  }
}

}  // namespace archive
