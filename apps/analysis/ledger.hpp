#pragma once

#include <cstdint>
#include <map>
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

  [[nodiscard]] bool balanced() const;
};

/// The last row of each source; empty for files without a ledger. @throws mth5::FormatError if the table lacks a column
[[nodiscard]] std::vector<Ledger> read_ledger(const mth5::Reader& file);

[[nodiscard]] nlohmann::ordered_json to_json(const Ledger& ledger);

}  // namespace analysis
