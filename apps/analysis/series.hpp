#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/clock.hpp"
#include "analysis/gap.hpp"
#include "mth5/channel.hpp"
#include "mth5/reader.hpp"

/// What belongs together over runs and files, and what is missing between. Thread: that of the readers.
namespace analysis {

using Window = mth5::TimeRange;
using mth5::indexes_within;
using Files = std::span<const std::unique_ptr<mth5::Reader>>;

/// A row of the recorder's list of gaps, and the file it stands in.
struct RecordedGap {
  std::size_t file;
  Gap gap;
};

/// Which stream of its station a run is of, by its name: "sr1" of "sr1_0003", which is the 3rd run of it; "" of a name without a
/// number, as "a", "b". Two sources of one station have names of their own, also where rate and channels are the same.
[[nodiscard]] std::string stream_of(std::string_view run);

/// The same of a stream of the recorder, by its name in `streams`; nullopt: it has no row of its clock yet, or the file no
/// clocks.
[[nodiscard]] std::optional<std::string> stream_of(const mth5::Reader& file, const std::string& recorded);

/// Runs of one stream of a station with the same sample rate and the same channels, in order of time: what would be one run had
/// nothing stopped it. Runs without samples are not in it.
struct Series {
  struct Part {
    std::size_t file;        ///< index of the reader
    std::size_t run;         ///< index in its runs()
    mth5::RunClock clock;    ///< of the run; without anchors its plain axis
    mth5::UtcNanos start;    ///< of its first sample, by its clock
    mth5::UtcNanos end;      ///< one sample behind its last, by its clock
    std::int64_t taken = 0;  ///< so many of its first samples are at times that a run before has
  };
  std::string survey, station;
  std::string stream = {};  ///< stream_of() its runs
  double sample_rate = 0;
  std::vector<std::string> components;  ///< in the order of the instrument
  std::vector<Part> parts;
  std::vector<Gap> gaps;  ///< in order of time, filled ones too; no time is in two that are not filled
  /// What was filled in a run of a file (gap.run_before), and is in another part: no gap.
  struct Supplied {
    Gap gap;
    std::size_t file;
    std::size_t by;  ///< index in parts
  };
  std::vector<Supplied> supplied;
};

/// Per file, the index of another that holds all that this one holds: a copy, an older copy, what was made of it by
/// `mth5-recover --set-swmr`. All of their samples are compared.
[[nodiscard]] std::vector<std::optional<std::size_t>> find_copies(Files files);

/// Whether a run of a file was begun after another of its station and rate, whatever the clock said: by the rows of their
/// stream's clock, which are written one behind the other. Where they do not tell, by their numbers: "sr1_0010" comes after
/// "sr1_0009", and numbers grow longer when they run over. Indexes of file.runs(). @throws as mth5::Reader::table()
[[nodiscard]] bool begun_after(const mth5::Reader& file, std::size_t run, std::size_t other);

/// The run of each stream of a station and sample rate in which samples may still come: the one that the last row of its stream's
/// clock names, else the newest by its number, as begun_after() has it. Indexes of file.runs(), with samples.
[[nodiscard]] std::vector<std::size_t> newest_runs(const mth5::Reader& file);

/// Says of a run of a file whether it is left out.
using LeaveOut = std::function<bool(std::size_t file, std::size_t run)>;

/// Each time counts once, however often it is in the files: runs may overlap or come in any order, and copies count as one file.
/// Gaps are those between the runs, whose times are by their clocks (libmth5/doc/acquisition.md, "How long a gap is"). Where the
/// recorder wrote its own list (/Acquisition/gaps), its rows say how many samples are missing between two runs with clocks and
/// which part of a gap has which reason, and add what runs cannot tell: gaps that are filled, what was lost before the first run
/// with a file that was deleted, and clocks that were set, over which nothing is missing however far they were.
[[nodiscard]] std::vector<Series> find_series(Files files, std::span<const std::optional<std::size_t>> copies = {},
                                              const LeaveOut& leave_out = {});

/// Times of the first sample and behind the last one of a series.
[[nodiscard]] std::pair<mth5::UtcNanos, mth5::UtcNanos> span_of(const Series& series);

/// The gaps of a series as they show in a window: cut at its edges, and with what is missing before the first and after the last
/// sample where the window has an edge there.
[[nodiscard]] std::vector<Gap> gaps_within(const Series& series, const Window& window, Files files);

/// Stored samples of what should be there, in percent; NaN where nothing is expected.
[[nodiscard]] double completeness(std::int64_t expected, std::int64_t missing);

}  // namespace analysis
