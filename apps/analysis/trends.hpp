#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "analysis/measures/envelope.hpp"
#include "analysis/snapshot.hpp"
#include "mth5/reader.hpp"

/// How the health of a station went, and how long it will last. Thread: that of the reader.
namespace analysis {

/// The quantities of the state of health, and of the clocks, over time, each row read once, from one file to the next.
class Trends {
 public:
  /// Reads the rows that are new. @param leave_out  tables, as tables_of_others() has them
  /// @param now   rows of later times are left out: of a clock that was wrong
  /// @param from  as are rows of earlier times
  /// @param most  rows of a table that are read at the first look, from its end
  /// @throws mth5::FileError as Reader::table()
  void look(const mth5::Reader& file, const std::set<std::string>& leave_out, mth5::UtcNanos now,
            std::optional<mth5::UtcNanos> from = {}, std::int64_t most = 1 << 16);
  /// Samples of an auxiliary channel that is a quantity of health.
  void add(const std::string& name, const Block& block) { trends_[name].add(block); }

  /// By name: `battery_V`, of a second source that knows one `SOURCE/battery_V`; and of the clock of a stream
  /// `clock/STREAM/locked` (1 or 0), `…/ppm`, `…/residual_us`.
  [[nodiscard]] const std::map<std::string, Envelope>& all() const { return trends_; }
  struct Share {
    double part, seconds;
  };
  /// In which part of the time, of so many seconds, the clock of a stream was locked, from its first row until a time: a row
  /// holds until the next, and of several at one time the last does. nullopt: there is no time between.
  [[nodiscard]] std::optional<Share> locked(const std::string& stream, mth5::UtcNanos until) const;

 private:
  /// Adds a column of a table's rows.
  void add(const std::string& name, const mth5::Table& rows, const std::string& column, const char* time,
           const mth5::TimeRange& within);

  std::map<std::string, std::string> tables_;  ///< of which a name is
  std::map<std::string, Envelope> trends_;
  /// Of the rows of a clock, up to the newest.
  struct Lock {
    mth5::UtcNanos first, last;
    bool is_now;
    mth5::Nanos locked{};
  };
  void add_lock(const std::string& stream, const mth5::Table& rows, const mth5::TimeRange& within);
  std::map<std::string, Lock> locks_;                                 ///< by stream
  std::map<std::pair<std::string, std::string>, std::int64_t> rows_;  ///< read so far, by path and table
};

/// The battery of a station: of several the one with the lowest voltage.
struct Battery {
  double volts = 0;
  std::optional<double> volts_per_day = {};  ///< fitted through the last two days; nullopt: of less than six hours nobody knows
  double fitted_s = 0;                       ///< time that the fit is of, or would be
  std::optional<double> empty_in_s = {};     ///< at 11.5 V, if it goes on so; nullopt: it does not fall, or nobody knows
};
/// nullopt: the file knows of none.
[[nodiscard]] std::optional<Battery> battery_of(const Trends& trends);

/// Of all quantities that are temperatures, the highest that began in a window; since when its cell of time began. nullopt: none.
[[nodiscard]] std::optional<Figure> hottest(const Trends& trends, const mth5::TimeRange& window);
/// Whether the name of a quantity, as Trends has it, is that of a temperature.
[[nodiscard]] bool is_temperature(std::string_view name);

/// "Will it last?"
struct Outlook {
  std::optional<double> seconds = {};  ///< the least of disk and battery; nullopt: neither is forecast
  std::string_view reason = {};        ///< "disk" or "battery": which
};
[[nodiscard]] Outlook outlook_of(const Snapshot& look, const std::optional<Battery>& battery);

/// How long flush and sync took, of the durable commits of the last hour; each row of `commits` is read once.
class DiskTimes {
 public:
  struct Times {
    mth5::UtcNanos time;
    double flush_s, sync_s;
  };
  void look(const mth5::Reader& file);
  /// In order of time; empty where the file does not say.
  [[nodiscard]] const std::deque<Times>& last_hour() const { return times_; }

 private:
  std::string path_;
  std::int64_t rows_ = 0;
  std::deque<Times> times_;
};

}  // namespace analysis
