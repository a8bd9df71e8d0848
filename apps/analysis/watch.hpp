#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "analysis/channel_feed.hpp"
#include "analysis/history.hpp"
#include "analysis/ledger.hpp"
#include "analysis/soh.hpp"
#include "analysis/spectra/station_spectra.hpp"
#include "analysis/verdict/steady.hpp"
#include "analysis/verdict/verdict.hpp"

namespace analysis {

struct Snapshot;

/// Gets what a Watch reads, so that nobody reads it again. Calls come within LiveFile::look().
class WatchListener {
 public:
  virtual ~WatchListener() = default;
  /// Samples that are new; good until it returns.
  virtual void block(const ChannelFacts& channel, const Block& block) = 0;
  /// Samples before all that came so far; in read_older().
  virtual void older(const ChannelFacts& channel, const Block& block) = 0;
  /// What comes of a channel at this rate is not to be joined with what came before: there was a long pause, or it was in other
  /// units.
  virtual void anew(const ChannelFacts& channel, double rate) = 0;
  /// The file says something else of a channel than before.
  virtual void facts(const ChannelFacts& channel, double rate) = 0;
  /// A series of the file, of which samples may still come. @param current  of its run that grows, or may
  virtual void series(const mth5::Reader& file, const Series& series, const Series::Part& current) = 0;
  /// Spectra of the samples that it has put together itself, as a Watch that reads in parts does not get them in order.
  [[nodiscard]] virtual std::vector<const StationSpectra*> spectra() const { return {}; }
};

/// What a verdict on a recording that goes on remembers between two looks, and from one file to the next: the last hour of each
/// channel (up to 64 of them, some 300 KiB each), the health of the stations. Each sample and each row is read once; at the first
/// look, and after a pause, at most an hour back and a quarter of a million samples of a channel. Thread: that of the reader.
class Watch {
 public:
  enum class Reading {
    AtOnce,  ///< a look reads all of that
    InParts  ///< a look reads the newest samples, as many as take no time that one sees; read_older() reads the rest
  };
  /// @param listener  gets all that is read from now on, and outlives it; nullptr: nobody
  explicit Watch(WatchListener* listener = nullptr, Reading reading = Reading::AtOnce) : listener_{listener}, reading_{reading} {}

  /// What the metadata of a file are known by: another program may have edited it since it was opened before.
  struct Opened {
    std::filesystem::path path;
    std::filesystem::file_time_type changed;  ///< before it was opened
    friend bool operator==(const Opened&, const Opened&) = default;
  };
  /// A new look begins. @param state  of the file
  void begin(mth5::FileState state, const Opened& opened);
  /// Reads what is new in a series. What cannot be read of a channel is left out. @param current  of its run that grows, or may
  void follow(const mth5::Reader& file, const Series& series, const Series::Part& current);
  /// Figures of the last ten minutes for the channels of the look, at most five seconds old in a live file, and its verdict: of
  /// all that was followed, of what the look says beside it, and of the ledger, which is added up every ten minutes. @param whole
  /// the file has no damage
  void judge(const mth5::Reader& file, bool whole, Snapshot& look);
  /// Reads older samples for a while, the newest of all channels first. @param all  series of the file as of the last look
  /// @returns whether there may be more to read
  bool read_older(const mth5::Reader& file, std::span<const Series> all, std::chrono::nanoseconds most);
  /// Of the channels, as of the last look, compared with one another.
  [[nodiscard]] const std::vector<Subject>& subjects() const { return compared_; }
  /// As last added up, of the file at hand; nullptr: there is none yet.
  [[nodiscard]] const Ledger* ledger() const { return ledgers_.empty() ? nullptr : &ledgers_.back().ledger; }

 private:
  using Key = std::tuple<std::string, std::string, std::string, double>;  ///< station, stream, component, rate
  struct Channel {
    ChannelFeed feed;
    History history;
    ChannelFacts facts;
    std::int64_t opening = 0;    ///< the facts are of it, and of the run that has the channel of this
    std::size_t index = 0;       ///< index
    std::int64_t looked_at = 0;  ///< number of the look
    std::int64_t values = 0;     ///< of the last ten minutes, as of measured_to, like all the following
    std::int64_t clipped = 0;    ///< of them
    double median = 0;           ///< of them
    std::optional<double> mains_db = {};
    double seconds = 0;  ///< of the samples of the last hour
    double percent = 0;  ///< of them
    std::vector<Line> lines = {};
    Subject subject = {};  ///< but for auxiliary channels
    std::optional<mth5::UtcNanos> measured_to = {};
    bool damaged = false;  ///< older samples of it
  };
  struct Stream {
    std::string station, name;  ///< name: Series::stream
    double sample_rate;
    double seconds = 0;
    std::optional<Figure> completeness = {};
    std::int64_t times_set = 0;  ///< its clock
    std::optional<mth5::UtcNanos> last_set = {};
  };
  void follow(const mth5::Reader& file, const Series& series, const Series::Part& current, std::size_t channel);
  [[nodiscard]] Channel new_channel(ChannelFacts facts, std::size_t channel, std::int64_t first) const;
  [[nodiscard]] bool has_older(const Channel& channel) const;
  [[nodiscard]] bool is_due(const Channel& channel) const;
  static void measure(Channel& channel);
  void look_at_ledger(const mth5::Reader& file, mth5::FileState state, mth5::UtcNanos now);
  void forget_one();
  void begin_spectra(const mth5::Reader& file, const Series& series, const Series::Part& current);
  template <class Do>
  void with_spectra(const ChannelFacts& channel, double rate, Do&& act) {
    for (auto& one : spectra_)
      if (one.is_of(channel, rate)) act(one);
  }

  WatchListener* listener_;
  Reading reading_;
  std::int64_t looks_ = 0;
  std::optional<Opened> opened_;
  std::int64_t openings_ = 0;
  std::optional<mth5::FileState> state_;
  bool all_due_ = true;  ///< all is measured at this look
  std::map<Key, Channel> channels_;
  std::vector<StationSpectra> spectra_;  ///< where samples are read in order, at once
  std::vector<Stream> streams_;          ///< of this look
  std::vector<Subject> subjects_;        ///< of its channels
  std::vector<Subject> compared_;        ///< the same, with what only all together tell
  bool unreadable_ = false;
  std::size_t unwatched_ = 0;                    ///< channels of this look beyond those that are followed
  std::map<std::string, HealthTracker> health_;  ///< by station
  SteadyVerdict steady_;
  struct LedgerLook {
    mth5::FileState state;
    mth5::UtcNanos time;
    bool unbalanced;
    Ledger ledger;
  };
  std::string ledger_path_;         ///< of the file whose ledger it is
  std::deque<LedgerLook> ledgers_;  ///< of the last hour, and one before it
};

}  // namespace analysis
