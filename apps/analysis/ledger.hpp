#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "mth5/reader.hpp"

namespace analysis {

/// Totals of one source: where every byte and every sample went. Page: libmth5/doc/acquisition.md.
struct Ledger {
  std::int64_t source = 0;
  std::string name;  ///< from the table `sources`; "" = not known
  std::int64_t bytes_in = 0, bytes_decoded = 0, bytes_pending = 0;
  std::map<std::string, std::int64_t> bytes_skipped;  ///< by reason
  std::int64_t samples_decoded = 0, samples_stored = 0, samples_buffered = 0;
  std::map<std::string, std::int64_t> samples_dropped;  ///< by reason
  // Of the last durable commit; not known for files without these columns (nullopt, NaN).
  std::optional<mth5::UtcNanos> last_commit;
  std::int64_t samples_visible = 0;  ///< with it
  std::int64_t samples_durable = 0;  ///< before it
  std::int64_t samples_at_risk = 0;  ///< before it: received and not durable
  double at_risk_s = std::numeric_limits<double>::quiet_NaN();
  double disk_full_in_s = std::numeric_limits<double>::quiet_NaN();  ///< forecast; 0: the file was closed because of it
  std::int64_t sessions = 0;  ///< daemons that wrote the file, one after the other; the totals are of all

  [[nodiscard]] bool balanced() const;
};

/// The last rows of each source, added up over the sessions; empty for files without a ledger. @throws mth5::FormatError if the
/// table lacks a column
[[nodiscard]] std::vector<Ledger> read_ledger(const mth5::Reader& file);

[[nodiscard]] nlohmann::ordered_json to_json(const Ledger& ledger);

}  // namespace analysis
