#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "analysis/series.hpp"
#include "mth5/reader.hpp"

/// Whether samples come, from the file alone. Thread: that of the reader.
namespace analysis {

enum class FlowState {
  Receiving,
  Waiting,  ///< nothing has come since the recorder began
  NoData,   ///< nothing comes any more
  Garbage   ///< bytes come, and none of them can be decoded
};
/// "receiving", "waiting", "no-data", "garbage".
[[nodiscard]] std::string_view to_string(FlowState state);

struct Flow {
  FlowState state = FlowState::Receiving;
  /// Host time of the commit with the last samples: the clock of a silent instrument tells nothing. Waiting: of the first commit,
  /// if there was one.
  std::optional<mth5::UtcNanos> since;
  double silent_s = 0;  ///< from then until now; 0 while receiving
};

/// Follows a live file. Samples come in commits, so silence shows only after a few of them are missing: five seconds, five
/// samples, or three times what is usual between commits, whichever is longest.
class FlowTracker {
 public:
  /// When readers saw the last change of a file: by its last commit, or, where its writer keeps no record of those, by the file
  /// itself.
  [[nodiscard]] static std::optional<mth5::UtcNanos> last_change(const mth5::Reader& file);
  /// Once per look, after the reader's refresh. @param changed  as last_change()
  void look(const mth5::Reader& file, mth5::UtcNanos now, std::optional<mth5::UtcNanos> changed);
  /// Of a series of the file at that look. @param samples  of all its runs
  [[nodiscard]] Flow of(const Series& series, std::int64_t samples);
  /// Of streams that have no samples in the file: station and rate (Hz, 0 = not known), with what their sources do.
  struct Silent {
    std::string station, name;
    double sample_rate;
    Flow flow;
  };
  [[nodiscard]] std::vector<Silent> without_samples(const std::vector<Series>& series) const;

 private:
  struct Stream {
    std::int64_t source = 0;
    std::string name, station;
    std::optional<std::string> of = {};  ///< stream_of() its runs, once it is known
    double sample_rate = 0;
    std::int64_t session = -1, samples = 0;     ///< of its last row
    std::int64_t beside = 0;                    ///< of that row: recovered of a session before, or filling gaps
    std::int64_t before = 0;                    ///< both of the sessions before
    std::optional<mth5::UtcNanos> grew, began;  ///< commit with its last samples; first commit of the session
  };
  struct Source {
    std::int64_t session = -1, bytes = 0, skipped = 0;
    std::optional<mth5::UtcNanos> came, skipped_at;  ///< commit with its last bytes, and with the last that were skipped
  };
  struct Seen {
    std::int64_t samples;
    std::optional<mth5::UtcNanos> grew;
  };

  void read_layout_1(const mth5::Reader& file);
  void read_layout_2(const mth5::Reader& file);
  void add(Stream& stream, std::int64_t session, mth5::UtcNanos time, std::int64_t samples, std::int64_t beside = 0);
  void add(Source& source, std::int64_t session, mth5::UtcNanos time, std::int64_t bytes, std::int64_t skipped);
  void commit_at(mth5::UtcNanos time);
  [[nodiscard]] static bool is_of(const Stream& stream, const Series& series);
  [[nodiscard]] double patience(double sample_rate) const;
  [[nodiscard]] Flow judge(const std::vector<const Stream*>& streams, std::optional<mth5::UtcNanos> grew,
                           double sample_rate) const;

  std::map<std::int64_t, Stream> streams_;
  std::map<std::int64_t, Source> sources_;
  std::map<std::string, std::int64_t> rows_;                                 ///< of each table, read so far
  std::map<std::int64_t, std::pair<mth5::UtcNanos, std::int64_t>> commits_;  ///< time and session by sequence
  std::map<std::tuple<std::string, std::string, double, std::vector<std::string>>, Seen> seen_;
  std::optional<mth5::UtcNanos> last_durable_;
  std::deque<double> between_durable_s_;   ///< times between the last durable commits
  std::optional<mth5::UtcNanos> visible_;  ///< last commit that readers saw
  double between_visible_s_ = 0;
  int visible_commits_ = 0;  ///< seen while looking
  mth5::UtcNanos now_{};
  bool first_ = true;
  bool own_tables_ = false;
  bool counts_all_ = false;  ///< all rows of the ledger were read, and they say how many samples of a stream the file has
  std::map<std::tuple<std::string, std::string, double>, std::int64_t> in_file_;  ///< samples by station, stream and rate, at
                                                                                  ///< the first look
};

}  // namespace analysis
