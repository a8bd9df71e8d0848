#include "analysis/cache.hpp"

#include <algorithm>
#include <string_view>
#include <system_error>
#include <utility>

#include "analysis/cache_file.hpp"
#include "mth5/error.hpp"

namespace analysis {

namespace {

namespace fs = std::filesystem;
using cache_file::hash;

constexpr const char* kAnew = "; what it should know is measured anew each time";

}  // namespace

void Cache::say(const std::string& what) const {
  if (say_) say_("cache: " + what);
}

void Cache::say_of_damaged() {
  if (damaged_ == 0) return;
  say(first_damaged_ + (damaged_ > 1 ? " (and " + std::to_string(damaged_ - 1) + " more)" : "") + "; measured anew");
  damaged_ = 0;
}

void Cache::say_once(const std::string& what) {
  if (!std::exchange(said_, true)) say(what);
}

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
  day.path = cache_file::path_of(cache_.directory_, day.identity);
  try {
    if (auto found = cache_file::read(day.path, day.identity)) day.pieces = std::move(*found);
  } catch (const mth5::FormatError& e) {
    if (cache_.damaged_++ == 0) cache_.first_damaged_ = day.path.string() + ": " + e.what();
  } catch (const mth5::FileError& e) {  // as the next will be
    cache_.say_once(std::string{e.what()} + kAnew);
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
    if (const int error = day.is_new ? cache_file::write(day.path, day.identity, std::move(day.pieces)) : 0; error != 0)
      cache_.say_once(cache_.directory_.string() + ": cannot be written: " + std::generic_category().message(error) + kAnew);
    days_.erase(days_.begin());
  }
}

}  // namespace analysis
