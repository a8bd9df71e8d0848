#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <spdlog/logger.h>

#include "acquisition/config/config.hpp"
#include "acquisition/ledger/durable.hpp"
#include "acquisition/stream/streams.hpp"
#include "mth5/time.hpp"

/// What a recorder finds of one that died (power cut, kill) in its directory. Thread: one, before the recorder runs.
namespace daq::recorder {

/// A file to resume, recovered and closed.
struct Resume {
  struct Run {
    std::string station, id;
    double sample_rate = 0;
    std::vector<std::string> components;  ///< sorted
    mth5::UtcNanos next;                  ///< of the sample that did not come any more, by the stream's clock
    std::int64_t n_samples = 0;
    /// Of the last runs of each station, rate and set of channels the last samples: channel after channel, in the order of
    /// `components`, all equally many. Empty for runs before them.
    std::vector<double> tail = {};
    mth5::UtcNanos tail_start{}, tail_end{};  ///< by the stream's clock: of its first sample, and of one behind its last
    double rate_behind = 0;                   ///< Hz, by that clock where the run ends
    /// s by which times behind the last anchor may be off: anchors that tell the drift come later than samples, and one that died
    /// may have written none.
    double unsure_s = 0;
  };
  static constexpr std::int64_t kMostTailRows = 1 << 16;  ///< of all those runs
  static constexpr std::size_t kMostTailBytes = 8 << 20;  ///< likewise
  static constexpr std::size_t kMostTailRuns = 64;
  static constexpr int kMostEarlierFiles = 8;  ///< that are read for what may be sent again
  /// What the ledgers of all sessions know of a stream.
  struct Stream {
    std::string name;
    std::int64_t in_file = 0;  ///< samples of its runs, without fill; streams of one station and rate: right in the sum
    std::int64_t counted = 0;  ///< samples that the ledger knows of, recovered ones included
    std::string token = {};    ///< where its source can go on; "" = unknown
    mth5::UtcNanos token_time{};
  };
  std::filesystem::path path;
  bool closed = false;       ///< in order: nothing goes on in it, but it says where sources can go on, and what may be sent again
  bool broke_off = false;    ///< its writer died: what is missing behind it is missing by that
  std::int64_t session = 0;  ///< one more than the last
  std::int64_t sequence = 0;  ///< of the last commit in the ledger
  std::size_t n_streams = 0;  ///< rows of the table of streams
  std::vector<Run> runs;      ///< all, in the order of the file
  std::vector<Run> earlier;   ///< of files that were closed before it: those that have a tail, the oldest first
  std::vector<Stream> streams;

  /// The last run in time that a stream of this station, rate and channels may have written; nullptr if there is none.
  [[nodiscard]] const Run* last_run(const stream::Stream& stream) const;
  /// All of them that are known, also in the files before.
  [[nodiscard]] std::vector<const Run*> runs_of(const stream::Stream& stream) const;
  /// Samples of a stream that are in the file and that no ledger knows of: durable only by chance when the writer crashed.
  [[nodiscard]] std::uint64_t recovered(const std::string& stream) const;
  /// Where the sources of these streams can go on, where that is known.
  [[nodiscard]] std::vector<ledger::Durable> positions(const stream::Streams& streams) const;
};

/// The last rows of a stream, as they may be sent again: [n][channels of the stream], by its clock from `start` to `end`, where
/// the next one would be.
struct Tail {
  std::vector<double> values;
  mth5::UtcNanos start{}, end{};
  double unsure_s = 0;  ///< as of Resume::Run
};
/// Of each run that has some, in the order of the files.
[[nodiscard]] std::vector<Tail> tails_of(const Resume& resume, const stream::Stream& stream);

/// Looks for the file that a crashed recorder of these stations left, and brings it to its last commit.
///
/// Whatever lies in the folder, this process never hands a file to HDF5: of the names that output.file_name gives for these
/// stations only the newest file counts, and only its lock and journal are looked at here. If it was not closed, a child with
/// limits recovers it, goes through all that resuming touches, and rehearses that. It has the time that a slow card or a busy
/// machine takes, as long as it comes further; if it fails or does not, what it changed is put back, the log names the file, and
/// a new one begins. All else takes a few seconds. Older files of crashed writers are counted in the log; to recover them is
/// mth5-recover's.
/// A newest file that was closed in order is read, in a child likewise: for where sources can go on, and for what may be sent
/// again. So are closed ones before it, as far as what may be sent again is not in the newest: what an instrument sends once more
/// begins where it likes, not where a file does.
/// @param cancelled  asked twenty times a second while the child is at work; true ends the search without a result
/// @param make_room  called before a file is recovered, which takes some
/// @param step  told what is done, as often, where the child came further: "recovering MT001_20260501T000000Z.h5"
/// @returns the file, if a recording can be resumed in it. @throws mth5::BusyError if one of the newest files is being written:
/// by
///          whom
[[nodiscard]] std::optional<Resume> find_resume(const config::Config& config, spdlog::logger& log,
                                                const std::function<bool()>& cancelled = {},
                                                const std::function<void()>& make_room = {},
                                                const std::function<void(const std::string& what)>& step = {});

}  // namespace daq::recorder
