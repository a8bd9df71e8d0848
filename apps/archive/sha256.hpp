#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>

struct evp_md_ctx_st;

namespace archive {

/// SHA-256 by OpenSSL, which knows the processor's instructions for it. Thread: one.
class Sha256 {
 public:
  /// @throws mth5::StateError if OpenSSL has no SHA-256
  Sha256();
  void add(std::span<const std::byte> bytes);
  /// 64 digits. Nothing can be added behind it.
  [[nodiscard]] std::string hex();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const noexcept;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

/// Of the bytes of a regular file, as `sha256sum` prints it. @throws mth5::FileError
[[nodiscard]] std::string sha256_of(const std::filesystem::path& file);

}  // namespace archive
