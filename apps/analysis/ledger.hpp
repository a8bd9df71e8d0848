#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "mth5/reader.hpp"

/// Where every byte and every sample went, and whether the file agrees. One model for both layouts of /Acquisition; page:
/// libmth5/doc/acquisition.md. Thread: that of the reader.
namespace analysis {

/// Counts by reason, with the reason's name as in log and status: "ring-full".
using Reasons = std::map<std::string, std::int64_t>;

/// Bytes of a source, added up over the sessions (daemons that wrote the file one after the other).
struct SourceLedger {
  std::int64_t source = 0;
  std::string name;  ///< "" = not known
  std::int64_t bytes_in = 0, bytes_decoded = 0, bytes_pending = 0;
  Reasons bytes_skipped;
  std::int64_t frames = 0, skips = 0;  ///< skips: pieces of skipped bytes in a row; both 0 in files of layout 1
  Reasons input_faults;                ///< what never became bytes: datagrams the kernel dropped, and the like
  std::int64_t reconnects = 0;

  [[nodiscard]] bool balanced() const;
};

/// Samples of a stream (per channel), added up over the sessions. In files of layout 1 each source has one stream.
struct StreamLedger {
  std::int64_t stream = 0, source = 0;
  std::string name, station;
  double sample_rate = 0;  ///< Hz; 0 = not known
  std::int64_t samples_decoded = 0, samples_stored = 0, samples_buffered = 0;
  /// Of those buffered: in memory at the last row of a session that has ended since. It died: they are lost, or were sent again;
  /// but `samples_went_on`, where the last session closed the file in order, are in the next file.
  std::int64_t samples_were_buffered = 0, samples_went_on = 0;
  Reasons samples_dropped;
  /// In the file after a crash though no row of the session that wrote them says so; a row of the next session does.
  std::int64_t samples_recovered = 0;
  std::int64_t values_clipped = 0;  ///< of all channels, beyond what their type can hold
  std::int64_t values_rounded = 0;  ///< likewise, no whole numbers in channels of whole numbers
  std::int64_t values_as_fill = 0;  ///< likewise, the same as the fill value of their channel: here they are unknown
  std::int64_t values_late = 0;     ///< of channels that arrive apart: not stored, as they came too late, or twice

  // Of the last durable commit.
  std::int64_t samples_visible = 0;  ///< with it
  std::int64_t samples_durable = 0;  ///< before it
  std::int64_t samples_at_risk = 0;  ///< before it: received and not durable
  double at_risk_s = std::numeric_limits<double>::quiet_NaN();

  /// Counted: samples of its runs without those that fill gaps. Streams of the same station and rate are counted together: then
  /// each has the sum of all, and `shared` is set.
  std::int64_t samples_in_file = 0;
  bool shared = false;
  /// In the file beyond the last row: what the writer committed since, or had before it crashed. Only where a writer lives, or
  /// ended without closing the file, be it recovered since; in a file that its writer closed there is no such thing.
  std::int64_t samples_beyond_ledger = 0;
  bool agrees_with_file = true;  ///< stored + recovered (+ beyond the ledger) = in the file

  /// Both hold: decoded = stored + buffered + dropped, and what is stored is in the file.
  [[nodiscard]] bool balanced() const;
};

struct Ledger {
  int layout = 0;  ///< of the tables; 0 = no ledger
  std::vector<SourceLedger> sources;
  std::vector<StreamLedger> streams;
  std::optional<mth5::UtcNanos> last_commit;         ///< last durable one, by the host's clock; not in the oldest files
  std::optional<std::int64_t> disk_free_bytes = {};  ///< at that commit
  double disk_full_in_s = std::numeric_limits<double>::quiet_NaN();  ///< forecast; 0: the file was closed because of it
  std::int64_t sessions = 0;
  bool recovered = false;  ///< the last writer died, the file was recovered, and nobody has resumed in it

  [[nodiscard]] bool balanced() const;
};

/// The last rows of each source and stream of each session, added up, and compared with the samples in the file as of the
/// reader's last refresh. @throws mth5::FormatError if a table lacks a column
[[nodiscard]] Ledger read_ledger(const mth5::Reader& file);

/// A list, one entry per source with its streams.
[[nodiscard]] nlohmann::ordered_json to_json(const Ledger& ledger);

}  // namespace analysis
