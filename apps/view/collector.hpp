#pragma once

#include <set>
#include <string>

#include "analysis/watch.hpp"
#include "view/page.hpp"

namespace view {

/// Keeps a page up to date with a file that is looked at again and again: gets the samples that its Watch reads, and reads the
/// tables that the views need, each row once. Thread: that of the reader.
class Collector final : public analysis::WatchListener {
 public:
  /// @param station  the only one that is shown; "": all
  explicit Collector(std::string station) : station_{std::move(station)} { page_.traces = &traces_; }
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;

  void block(const analysis::ChannelFacts& channel, const analysis::Block& block) override;
  void series(const mth5::Reader& file, const analysis::Series& series, const analysis::Series::Part& current) override;

  /// Before LiveFile::look().
  void begin();
  /// After it, with its Watch.
  void take(analysis::Snapshot look, const mth5::Reader& file, const analysis::Watch& watch);
  /// The page as it is now, that stays so; but for the traces.
  [[nodiscard]] Page copy() const;
  /// Reads older samples as the plot needs them, for a while. @param back  how far the plot reaches, from the newest sample
  /// @returns whether there is more to read now
  bool fill(const mth5::Reader& file, std::chrono::nanoseconds back, std::chrono::nanoseconds most);
  [[nodiscard]] Page& page() { return page_; }
  [[nodiscard]] const Page& page() const { return page_; }

 private:
  void begin_spectra(const mth5::Reader& file, const analysis::Series& series, const analysis::Series::Part& current);

  std::string station_;
  std::vector<analysis::Gap> gaps_;       ///< of this look
  std::vector<analysis::Series> series_;  ///< of this look
  Traces traces_;
  std::set<std::string> left_out_;  ///< channels beyond those that traces are kept of
  std::vector<std::shared_ptr<StationSpectra>> spectra_;
  Page page_;
};

}  // namespace view
