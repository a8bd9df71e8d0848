#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mth5/table.hpp"

/// What writer and checker agree on: the value of every sample, the rows of the tables, and the states that a file may be in.
namespace crash {

/// Decisions from a seed; the same on every machine.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_{seed} {}
  std::uint64_t next() { return mix(state_ += kStep); }
  /// 0 … n - 1; n > 0.
  std::uint64_t below(std::uint64_t n) { return next() % n; }
  bool coin() { return (next() & 1U) != 0; }

  [[nodiscard]] static constexpr std::uint64_t mix(std::uint64_t x) {  // splitmix64
    x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31U);
  }
  static constexpr std::uint64_t kStep = 0x9e3779b97f4a7c15U;

 private:
  std::uint64_t state_;
};

/// Of "S1/r0/ex".
[[nodiscard]] std::uint64_t channel_key(std::string_view path);
/// Never 0, below 2^23 in size, so that it is the same as int32 and as double.
[[nodiscard]] constexpr std::int32_t sample(std::uint64_t key, std::int64_t index) {
  const auto value = static_cast<std::int32_t>(Random::mix(key + Random::kStep * static_cast<std::uint64_t>(index)) & 0x7f'ffffU);
  return value < 0x40'0000 ? value - 0x40'0001 : value;
}

inline constexpr const char* kSurvey = "T";
inline constexpr double kRate = 100;  ///< Hz
[[nodiscard]] std::string component_name(std::size_t channel);

/// One row per durable commit: `commit`, `samples` of all runs at it, `check` = hash of both, `note` = text of the commit.
[[nodiscard]] mth5::TableSpec ledger_table();
/// Row i holds only what follows from i.
[[nodiscard]] mth5::TableSpec gaps_table();
[[nodiscard]] std::int64_t ledger_check(std::int64_t commit, std::int64_t samples);
void add_ledger_row(mth5::Rows& rows, std::int64_t commit, std::int64_t samples);
void add_gaps_row(mth5::Rows& rows, std::int64_t index);
/// "" or what is wrong with a row.
[[nodiscard]] std::string wrong_ledger_row(const mth5::Table& table, std::size_t row);
[[nodiscard]] std::string wrong_gaps_row(const mth5::Table& table, std::size_t row);

struct RunState {
  std::string station, run;
  std::int64_t channels = 0;
  std::int64_t samples = 0;  ///< of each channel
  friend bool operator==(const RunState&, const RunState&) = default;

  [[nodiscard]] std::string path() const { return station + "/" + run; }
};

/// All that a commit promises. `commit` is the writer's own number of it.
struct State {
  std::int64_t commit = 0;
  std::int64_t revision = 0;  ///< stands in the comments of survey, first station and first run
  std::int64_t ledger = 0, gaps = 0;
  std::vector<std::string> stations;  ///< in the order of their creation
  std::vector<RunState> runs;         ///< in the order of their creation

  [[nodiscard]] std::int64_t samples() const;
  [[nodiscard]] std::string text() const;
  [[nodiscard]] static State from(std::string_view text);
  /// Whether they describe the same file, whatever their numbers.
  [[nodiscard]] bool same(const State& other) const;
};

}  // namespace crash
