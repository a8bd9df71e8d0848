#include "analysis/cache_file.hpp"

#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <system_error>
#include <utility>

#include "analysis/put_file.hpp"
#include "analysis/signals_wait.hpp"
#include "mth5/error.hpp"
#include "mth5/filesystem.hpp"

namespace analysis::cache_file {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kHeader = "mth5-summary cache 1\n";  ///< of the files: another meaning is another number
constexpr std::size_t kMostBytes = 64 << 20;                    ///< of a file: no day has so many

/// The pieces in a file. @throws mth5::FormatError
state::Json pieces_of(std::string_view bytes, const std::string& identity) {
  const auto head = kHeader.size() + hash("").size();
  if (!bytes.starts_with(kHeader) || bytes.size() < head ||
      hash(bytes.substr(head)) != bytes.substr(kHeader.size(), head - kHeader.size()))
    throw mth5::FormatError{"damaged, or no file of this cache"};
  auto saved = state::Json::from_cbor(bytes.substr(head), true, false);
  if (!saved.is_object() || !saved.contains("identity") || !saved.contains("pieces") || !saved["pieces"].is_object())
    throw mth5::FormatError{"no file of this cache"};
  if (saved["identity"] != identity) return state::Json::object();  // of another build of the program, or the same name by chance
  return std::move(saved["pieces"]);
}

}  // namespace

std::string hash(std::string_view text) {
  std::uint64_t hash = 14'695'981'039'346'656'037U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1'099'511'628'211U;
  std::array<char, 17> hex{};
  std::snprintf(hex.data(), hex.size(), "%016llx", static_cast<unsigned long long>(hash));
  return hex.data();
}

fs::path path_of(const fs::path& directory, const std::string& identity) {
  const auto name = hash(identity);
  return directory / name.substr(0, 2) / name.substr(2);
}

std::optional<state::Json> read(const fs::path& path, const std::string& identity) {
  std::error_code error;
  if (!fs::exists(fs::symlink_status(path, error))) return std::nullopt;
  return pieces_of(mth5::read_regular(path, kMostBytes), identity);
}

int write(const fs::path& path, const std::string& identity, state::Json pieces) {
  const auto cbor = state::Json::to_cbor({{"identity", identity}, {"pieces", std::move(pieces)}});
  const std::string_view bytes{reinterpret_cast<const char*>(cbor.data()), cbor.size()};
  std::error_code error;
  const SignalsWait wait;
  fs::create_directories(path.parent_path(), error);
  if (error) return error.value();
  const fs::path part = path.string() + "." + std::to_string(getpid()) + ".part";
  unlink(part.c_str());  // of a process of this number that died
  if (const int failed = put_file(part, std::string{kHeader} + hash(bytes) + std::string{bytes}); failed != 0) return failed;
  fs::rename(part, path, error);
  if (error) unlink(part.c_str());
  return error.value();
}

}  // namespace analysis::cache_file
