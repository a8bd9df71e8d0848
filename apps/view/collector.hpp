#pragma once

#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "analysis/channel_feed.hpp"
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
  void older(const analysis::ChannelFacts& channel, const analysis::Block& block) override;
  void anew(const analysis::ChannelFacts& channel, double rate) override;
  void facts(const analysis::ChannelFacts& channel, double rate) override;
  void series(const mth5::Reader& file, const analysis::Series& series, const analysis::Series::Part& current) override;

  [[nodiscard]] std::vector<const StationSpectra*> spectra() const override;

  /// Before LiveFile::look().
  void begin();
  /// After it, with its Watch.
  void take(analysis::Snapshot look, const mth5::Reader& file, const analysis::Watch& watch);
  /// The page as it is now, that stays so; but for the traces.
  [[nodiscard]] Page copy() const;
  /// Traces of the samples, or of the differences between neighbours: what was so far is read again, by fill().
  void show(bool differences);
  /// Reads older samples as the plot needs them, for a while. @param back  how far the plot reaches, from the newest sample
  /// @returns whether there is more to read now
  bool fill(const mth5::Reader& file, std::chrono::nanoseconds back, std::chrono::nanoseconds most);
  /// The same for the spectra, which are of the last hour: they take samples in order of time, and so read them for themselves.
  /// What is read already is counted again only after seconds. @returns as fill()
  bool fill_spectra(const mth5::Reader& file, std::chrono::nanoseconds most);
  /// The same for the spectrogram of the chosen channel.
  bool fill_spectrogram(const mth5::Reader& file, const Ui& ui, std::chrono::nanoseconds most);
  /// Whether those three brought something that is to be drawn; true once.
  [[nodiscard]] bool is_new() { return std::exchange(new_, false); }
  /// Of the file, as of the last look.
  [[nodiscard]] std::span<const analysis::Series> all_series() const { return series_; }
  [[nodiscard]] Page& page() { return page_; }
  [[nodiscard]] const Page& page() const { return page_; }

 private:
  /// Spectra, and what reads their samples.
  struct Following {
    std::shared_ptr<StationSpectra> spectra;
    std::vector<analysis::ChannelFeed> feeds = {};  ///< by channel
    std::optional<mth5::UtcNanos> read_to = {};     ///< the end of the run that grows, as it was then
  };
  void add(Traces::Channel& to, const analysis::Block& block) const;
  void add_older(Traces::Channel& to, const analysis::Block& block) const;
  void begin_spectra(const mth5::Reader& file, const analysis::Series& series, const analysis::Series::Part& current);
  [[nodiscard]] std::vector<analysis::Series>::const_iterator find_series_of(const analysis::ChannelFacts& facts,
                                                                             double rate) const;
  static void restart(Following& one);
  /// @returns whether it is at the newest sample
  static bool catch_up(const mth5::Reader& file, const analysis::Series& series, const analysis::Series::Part& current,
                       Following& one);

  std::string station_;
  std::vector<analysis::Gap> gaps_;               ///< of this look
  std::vector<analysis::Series> series_;          ///< of this look
  std::vector<analysis::Series::Part> currents_;  ///< by series: of its run that grows, or may
  Traces traces_;
  std::optional<Spectrogram> spectrogram_;
  std::set<std::string> left_out_;  ///< channels beyond those that traces are kept of
  std::vector<Following> spectra_;
  bool new_ = false;
  Page page_;
};

}  // namespace view
