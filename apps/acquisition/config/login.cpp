#include "acquisition/config/login.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include <fmt/format.h>
#include <openssl/evp.h>

#include "acquisition/config/report.hpp"
#include "mth5/error.hpp"
#include "mth5/filesystem.hpp"

namespace daq::config {

namespace {

constexpr std::size_t kLongestPassword = 1000;  // bytes
constexpr std::size_t kLongestUser = 255;       // bytes

/// What is wrong with what was read; what is right is left without its end of line.
std::string check_password(std::string& text) {
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  if (text.empty()) return "is empty; its one line has to be the password";
  if (text.find('\n') != text.npos) return "has more than one line; it has to be the password and no more";
  if (text.size() > kLongestPassword) return fmt::format("has a password of more than {} bytes", kLongestPassword);
  Place ignored{std::make_shared<const Origin>()};
  if (!text_problem(text, ignored).empty() || text.find('\t') != text.npos)
    return "has a character that no password has: control characters, or bytes that are no UTF-8";
  return "";
}

}  // namespace

Password read_password(const std::filesystem::path& path) {
  Password password;
  const auto wrong = [&](const std::string& what) { return Password{{}, path.string() + ": " + what}; };
  try {
    const auto file = mth5::open_regular(path);
    struct stat is {};
    if (fstat(file.get(), &is) != 0) return wrong(std::string{"cannot be looked at: "} + std::strerror(errno));
    if ((is.st_mode & (S_IRWXO | S_IWGRP)) != 0)
      return wrong(fmt::format("mode {:04o}: everybody may read it, or others than its owner may write it; chmod 640 '{}'",
                               is.st_mode & 07777u, path.string()));
    std::array<char, 512> part{};
    while (password.text.size() < kLongestPassword + 3) {
      const auto n = ::read(file.get(), part.data(), part.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return wrong(std::string{"cannot be read: "} + std::strerror(errno));
      if (n == 0) break;
      password.text.append(part.data(), static_cast<std::size_t>(n));
    }
  } catch (const mth5::FileError& e) {
    return {{}, e.what()};
  }
  if (const auto problem = check_password(password.text); !problem.empty()) return wrong(problem);
  return password;
}

std::string check_user(std::string_view text) {
  Place ignored{std::make_shared<const Origin>()};
  const bool good =
      text.size() <= kLongestUser && text.find_first_of(":\t\n") == text.npos && text_problem(text, ignored).empty();
  return good ? "" : in_quotes(text) + fmt::format(" must be a user's name: at most {} bytes, without ':'", kLongestUser);
}

std::string basic_authorization(std::string_view user, std::string_view password) {
  const auto both = std::string{user} + ':' + std::string{password};
  std::string encoded((both.size() + 2) / 3 * 4 + 1, '\0');
  encoded.resize(static_cast<std::size_t>(EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()),
                                                          reinterpret_cast<const unsigned char*>(both.data()),
                                                          static_cast<int>(both.size()))));
  return "Basic " + encoded;
}

}  // namespace daq::config
