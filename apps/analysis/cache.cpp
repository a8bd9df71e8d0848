#include "analysis/cache.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "analysis/signals_wait.hpp"
#include "mth5/error.hpp"
#include "mth5/filesystem.hpp"

namespace analysis {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kHeader = "mth5-summary cache 1\n";  ///< of the files: another meaning is another number
constexpr std::size_t kMostBytes = 64 << 20;                    ///< of a file: no day has so many

/// FNV-1a: names in data files may hold anything, and are no names of files.
std::string hash(std::string_view text) {
  std::uint64_t hash = 14'695'981'039'346'656'037U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1'099'511'628'211U;
  std::array<char, 17> hex{};
  std::snprintf(hex.data(), hex.size(), "%016llx", static_cast<unsigned long long>(hash));
  return hex.data();
}

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

/// Beside it and renamed; of two programs that write it at once, one wins. @returns whether it is there
bool write_all(const fs::path& path, const std::string& identity, state::Json pieces) {
  const auto cbor = state::Json::to_cbor({{"identity", identity}, {"pieces", std::move(pieces)}});
  const std::string_view bytes{reinterpret_cast<const char*>(cbor.data()), cbor.size()};
  std::error_code error;
  const SignalsWait wait;
  fs::create_directories(path.parent_path(), error);
  const fs::path part = path.string() + "." + std::to_string(getpid()) + ".part";
  std::ofstream out{part, std::ios::binary | std::ios::trunc};
  out << kHeader << hash(bytes) << bytes;
  out.close();
  if (out) fs::rename(part, path, error);
  const bool good = out && !error;
  if (!good) fs::remove(part, error);
  return good;
}

}  // namespace

Cache::Channel::Channel(Cache& cache, const mth5::Reader& file, std::size_t run, std::string component)
    : cache_{cache}, run_{run} {
  const auto uuid = cache.directory_.empty() ? "" : file.file_uuid();
  if (uuid.empty()) return;
  auto known = cache.stamps_.find(&file);
  if (known == cache.stamps_.end()) known = cache.stamps_.emplace(&file, Stamps{file}).first;
  stamps_ = &known->second;
  const auto& info = file.runs()[run];
  identity_ = state::Json::array({cache.program_, uuid, info.survey, info.station, info.id, std::move(component)})
                  .dump(-1, ' ', true, state::Json::error_handler_t::replace);
}

Cache::Channel::Day& Cache::Channel::day_of(const Key& key) {
  const auto number = std::chrono::floor<std::chrono::days>(key.start).time_since_epoch().count();
  const auto [at, is_new] = days_.try_emplace(number);
  auto& day = at->second;
  if (!is_new) return day;
  day.identity = identity_ + " " + std::to_string(number);
  const auto name = hash(day.identity);
  day.path = cache_.directory_ / name.substr(0, 2) / name.substr(2);
  std::error_code error;
  if (!fs::exists(fs::symlink_status(day.path, error))) return day;
  try {
    day.pieces = pieces_of(mth5::read_regular(day.path, kMostBytes), day.identity);
  } catch (const mth5::Error& e) {
    const std::string what = e.what();
    const bool named = what.starts_with(day.path.string());
    if (cache_.say_) cache_.say_("cache: " + (named ? what : day.path.string() + ": " + what) + "; measured anew");
  }
  return day;
}

/// "": is not to be kept.
std::string Cache::Channel::hash_of(const Key& key) const {
  const auto stamp = stamps_->of(run_, key.end);
  return stamp.empty() ? "" : hash(key.all + " " + stamp);
}

std::optional<Piece> Cache::Channel::find(const Key& key, double rate, bool quality) {
  if (stamps_ == nullptr) return std::nullopt;
  const auto of = hash_of(key);
  if (of.empty()) return std::nullopt;
  const auto& pieces = day_of(key).pieces;
  const auto found = pieces.find(std::to_string(key.first));
  try {
    if (found == pieces.end() || found->at("of") != of) return std::nullopt;
    auto piece = Piece::load(found->at("piece"), rate);
    const bool measured = piece.measures().has_value();
    if (quality && rate > 0 && !measured) return std::nullopt;
    return quality || !measured ? std::move(piece) : piece.only_statistics();
  } catch (const mth5::FormatError&) {
  } catch (const state::Json::exception&) {
  }
  return std::nullopt;
}

void Cache::Channel::keep(const Key& key, const Piece& piece) {
  if (stamps_ == nullptr) return;
  const auto of = hash_of(key);
  if (of.empty()) return;
  auto& day = day_of(key);
  day.pieces[std::to_string(key.first)] = {{"of", of}, {"piece", piece.save()}};
  day.is_new = true;
}

void Cache::Channel::write(mth5::UtcNanos before) {
  const auto number = std::chrono::floor<std::chrono::days>(before).time_since_epoch().count();
  while (!days_.empty() && days_.begin()->first < number) {
    auto& day = days_.begin()->second;
    if (day.is_new && !write_all(day.path, day.identity, std::move(day.pieces)) && !std::exchange(cache_.said_unwritten_, true) &&
        cache_.say_)
      cache_.say_("cache: " + cache_.directory_.string() + ": cannot be written; all is measured anew each time");
    days_.erase(days_.begin());
  }
}

}  // namespace analysis
