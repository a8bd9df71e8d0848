#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "analysis/series.hpp"

/// State of health of the instruments, from /Acquisition/state_of_health (libmth5/doc/acquisition.md). Thread: that of the
/// reader.
namespace analysis {

/// V: no battery of 12 V is below, as nothing would run with it.
inline constexpr double kOtherBattery = 8;

inline constexpr std::string_view kSohFolder = "state_of_health/";  ///< of the tables

/// Name of a quantity with its unit: "battery" in "volts" is battery_V; units without a short form, and no units, leave it alone.
[[nodiscard]] std::string soh_key(const mth5::Column& column);

/// The tables of sources and streams of which none is of the station; none if it is "": all are wanted.
[[nodiscard]] std::set<std::string> tables_of_others(const mth5::Reader& file, const std::string& station);

/// The newest value of each quantity with its unit, `battery_V`; NaN = not known. Temperatures of the instrument that are
/// channels too: the first as `temperature_C`, and where there are several each by its name.
/// @param station  "": all of them
[[nodiscard]] std::map<std::string, double> newest_soh(const mth5::Reader& file, const std::string& station);

/// By name; null where there is none of them.
[[nodiscard]] nlohmann::ordered_json soh_json(const std::map<std::string, double>& soh);

/// Whether a GPS has a fix, by the majority of the last ten minutes: one that has it now and then has none, and one that loses it
/// now and then has it. A row is so until the next one. Thread: a value.
class FixVote {
 public:
  /// @param time  rows before the newest are left out
  void add(mth5::UtcNanos time, bool fixed);
  /// Since when it has none: the time of the last row with a fix before; nullopt: it has one, or nothing is known.
  [[nodiscard]] std::optional<mth5::UtcNanos> lost() const { return lost_; }
  [[nodiscard]] std::optional<mth5::UtcNanos> newest() const {
    return rows_.empty() ? std::nullopt : std::optional{rows_.back().time};
  }
  /// Whether the newest row is without one.
  [[nodiscard]] bool lost_now() const { return !rows_.empty() && !rows_.back().fixed; }
  struct Loss {
    mth5::UtcNanos from, to;  ///< the first row without a fix, and the next with one
  };
  /// Of the last hour, in order, those that are over.
  [[nodiscard]] std::vector<Loss> losses() const;
  /// Percent of the last hour of rows that it has one; nullopt: of less than ten minutes, or it had one all the last ten.
  [[nodiscard]] std::optional<double> share() const;

 private:
  struct Row {
    mth5::UtcNanos time;
    bool fixed;
  };
  struct Times {
    mth5::Nanos with{}, without{};
  };
  [[nodiscard]] Times of_last(mth5::Nanos span) const;

  std::deque<Row> rows_;  ///< of the last hour, and one before
  std::optional<mth5::UtcNanos> lost_;
};

/// What the instruments of a station say of themselves, over all files.
struct Health {
  std::optional<double> battery_V;  ///< the last that is known; the lowest of several batteries
  struct NoFix {
    mth5::UtcNanos since;
    double seconds;  ///< from then to the newest row
  };
  struct Lock {
    std::string source;  ///< "lemi"
    bool lost_now;
    std::optional<double> share;         ///< FixVote::share()
    std::optional<mth5::UtcNanos> lost;  ///< FixVote::lost()
    std::vector<FixVote::Loss> losses;
  };
  std::vector<Lock> locks = {};  ///< of each GPS that has said something
  std::optional<NoFix> no_fix;   ///< of a GPS (gps_fix, gps_state, satellites) that has none by the vote; the longest of several
};

/// Follows the health of a station over files; each row is read once.
class HealthTracker {
 public:
  /// @param now   rows of later times are left out: of a clock that was wrong
  /// @param most  rows of a table that are read at the first look, from its end
  void look(const mth5::Reader& file, const std::string& station, mth5::UtcNanos now,
            std::int64_t most = std::numeric_limits<std::int64_t>::max());
  [[nodiscard]] Health health() const;

 private:
  /// Of one source, over its rows in all files.
  struct Source {
    FixVote fix;
    bool has_gps = false;  ///< it has said once how many satellites there are, or whether there is a fix
    std::optional<mth5::UtcNanos> of_battery;
    double battery_V = 0;
  };
  static void add_rows(Source& source, const mth5::Table& rows, mth5::UtcNanos now);

  std::map<std::string, Source> sources_;
  std::map<std::pair<std::string, std::string>, std::int64_t> rows_;  ///< read so far, by the file's path and table
};

}  // namespace analysis
