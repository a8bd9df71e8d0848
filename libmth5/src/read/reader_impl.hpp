#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "contents/index.hpp"
#include "contents/state.hpp"
#include "contents/structure.hpp"
#include "h5/handle.hpp"
#include "mth5/reader.hpp"
#include "read/tables.hpp"

namespace mth5 {

/// What a Reader is made of. Which objects there are, `found`, is settled by open() and refresh() alone: by channel_summary
/// (`index` is set) or by a walk. Datasets come and go in between, as they are asked for. Thread: that of the Reader.
struct Reader::Impl {
  using Clock = std::chrono::steady_clock;

  struct Stamp {
    std::uintmax_t bytes = 0;
    std::int64_t modified_ns = 0;
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };
  /// Of a run, as channel_summary has it.
  struct Told {
    std::size_t row = 0;  ///< of its first channel
    std::int64_t n_samples = 0;
  };

  std::filesystem::path path;
  ReaderOptions options;
  h5::File file;  ///< empty after a refresh that failed: the next one opens again
  std::optional<contents::StateRow> row;
  std::optional<contents::Index> index;  ///< empty: the file was walked
  contents::Structure found;             ///< after `file`: its datasets close first
  std::optional<Commit> commit;          ///< as of the last refresh
  std::int64_t generation = 0;           ///< of the structure as HDF5 has it cached
  std::uint8_t superblock = 0;           ///< its version
  bool closed = false;                   ///< nobody wrote when it was opened
  Stamp stamp;
  Clock::time_point opened{};
  /// Of a dataset, asked for once: HDF5 copies a list of properties each time.
  struct Fixed {
    bool bounded = false;             ///< its chunks are
    hid_t read_as = H5I_INVALID_HID;  ///< type as which its samples are read, once it is bounded
    std::optional<std::optional<double>> fill;
  };
  std::vector<Fixed> fixed;          ///< by channel
  std::vector<std::int64_t> zeros;   ///< by channel: how many samples from the first on are known to be 0; -1: not all are
  std::vector<bool> gone;            ///< by channel: was there once
  std::vector<std::uint64_t> rows;   ///< by row of the table: what it is the row of
  std::vector<Told> told;            ///< by run
  std::vector<std::size_t> newest;   ///< of each station and sample rate, and `parallel`; ascending
  std::vector<std::size_t> growing;  ///< whose lengths are those of their datasets: `newest`, or all of a file that was walked
  std::set<std::size_t> parallel;    ///< runs that grew although they are not the newest of their kind
  std::deque<std::size_t> recent;    ///< channels whose datasets are open for the moment, the last used last
  std::string contradiction;         ///< why channel_summary was not believed
  bool in_part = false;              ///< but it was of the runs that are as it says: walk_what_differs()
  /// The rows of one table of anchors that were read, by run. Rows are only ever added.
  struct ClockTable {
    std::int64_t rows = 0;
    std::map<std::string, std::vector<ClockAnchor>, std::less<>> of_run;
    std::string problem;
  };
  std::map<std::string, ClockTable> clocks;  ///< by name of the table
  struct OpenTable {
    read::TableFile stored;
    std::optional<Commit> seen;  ///< as of when
  };
  mutable std::map<std::string, OpenTable, std::less<>> open_tables;  ///< after `file`: they close first
  std::string doubt;                                                  ///< the same, found later: the next refresh() walks
  /// What of the file there was at a time.
  struct Replay {
    UtcNanos time{}, end{};             ///< end: of the last sample
    std::vector<std::int64_t> lengths;  ///< by run, and clocks: of the whole file
    std::vector<RunClock> clocks;
    std::map<std::string, std::vector<UtcNanos>> rows;  ///< by table: when each row came; empty: they always were there
    bool of_its_time = false;  ///< it was recorded when the samples were made, so that the recorder's times are theirs
  };
  std::optional<Replay> replayed;

  [[nodiscard]] Stamp look() const;
  void open();
  bool refresh();
  void require_open() const {
    if (!file) throw FileError{path.string() + ": could not be reopened at the last refresh; refresh again"};
  }
  void require_channel(std::size_t channel) const {
    if (channel >= found.channels.size()) throw StateError{path.string() + ": there is no channel " + std::to_string(channel)};
  }
  /// Of a channel, opened if it is not; good until the next call. @throws FileError (a transient of a live file, or gone),
  /// FormatError (damaged)
  [[nodiscard]] const h5::Dataset& dataset(std::size_t channel);
  /// Samples of its dataset if that is open, else what the run has.
  [[nodiscard]] std::int64_t extent(std::size_t channel);
  [[nodiscard]] Metadata run_metadata(std::size_t run);
  /// @param names  empty: all
  [[nodiscard]] Metadata channel_metadata(std::size_t channel, std::span<const std::string_view> names = {});
  /// A stream with a clock.
  struct StreamClock {
    std::string station;
    double sample_rate;
    const ClockTable* anchors;
  };
  /// Reads what is new in the tables of anchors; clock.cpp. @returns one per stream that has one. @throws FileError
  [[nodiscard]] std::vector<StreamClock> read_clocks();
  /// The clock of a run, of the anchors of its samples that are there.
  [[nodiscard]] RunClock clock(const RunInfo& run, const std::vector<StreamClock>& streams) const;
  /// Rows [first, …) of a table of `found.tables`. @throws FileError, FormatError
  [[nodiscard]] Table table(const std::string& name, std::int64_t first) const;
  [[nodiscard]] std::int64_t table_rows(const std::string& name) const;
  [[nodiscard]] bool has_table(std::string_view name) const;
  /// Shows the file as it was at a time; replay.cpp. @throws StateError
  void replay(UtcNanos time);
  /// The row of /Acquisition/state, of then; nullopt where nobody knows.
  [[nodiscard]] std::optional<Commit> replayed_commit() const;
  /// What an error of HDF5 means where nobody writes: the file is damaged, or it needs a newer HDF5. @throws always
  [[noreturn]] void refuse(const std::string& message) const;
  /// "file: run/component".
  [[nodiscard]] std::string name_of(std::size_t channel) const;
  [[nodiscard]] std::string path_of(std::size_t channel) const;

 private:
  using RunKey = std::tuple<std::string, std::string, std::string>;

  void attach();
  void drop();
  void open_once();
  [[nodiscard]] bool take_index();
  [[nodiscard]] bool take_what_fits();
  void take_rows(contents::Structure frame, std::span<const char> packed);
  void check_index();
  void walk();
  void mark_gone(const std::vector<std::size_t>& there);
  [[nodiscard]] bool gone_run(std::size_t run) const;
  void set_length(std::size_t run, std::int64_t n);
  void choose_newest();
  [[nodiscard]] std::string refusal(const Probe& probed, const std::string& reason) const;
  [[nodiscard]] std::size_t bytes_of_sample(std::size_t channel) const;
  bool count_samples();
  void begin_replay();
  [[nodiscard]] std::vector<UtcNanos> times_of_rows(const std::string& name) const;
  /// Of a table: how many rows there are to be seen.
  [[nodiscard]] std::int64_t rows_until_now(const std::string& name) const;
  void check_times(const std::string& what, double rate, UtcNanos start, std::int64_t n) const;
  void refresh_channels();
  void find_others_that_grow(std::int64_t visible);
  bool reopen();
  [[nodiscard]] bool moved() const;
  [[nodiscard]] const read::TableFile& open_table(const std::string& name) const;
  template <class Read>
  auto of_table(const std::string& name, Read read) const;
  template <class Open>
  void following_the_writer(const std::string& object, Open open);
  void require_hard_link(const std::string& object) const;
  void open_dataset(std::size_t channel);
  [[nodiscard]] h5::Group run_group(std::size_t run) const;

  std::set<RunKey> known_runs;  ///< of the table
};

}  // namespace mth5
