#include "acquisition/decode/selection.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace daq::decode {

namespace {

class Selection final : public Decoder {
 public:
  Selection(std::unique_ptr<Decoder> inner, std::size_t n_channels, std::vector<std::size_t> kept)
      : inner_{std::move(inner)}, n_channels_{n_channels}, kept_{std::move(kept)} {}

  void feed(const Chunk& chunk, Batch& out) override {
    inner_->feed(chunk, all_);
    give_on(out);
  }
  void end_of_stream(Batch& out) override {
    inner_->end_of_stream(all_);
    give_on(out);
  }
  [[nodiscard]] const ledger::SourceCounters& counters() const override { return inner_->counters(); }
  [[nodiscard]] const std::vector<Refusal>& refusals() const override { return inner_->refusals(); }
  [[nodiscard]] std::vector<std::string> findings() const override { return inner_->findings(); }
  [[nodiscard]] std::vector<std::string> take_news() override { return inner_->take_news(); }

 private:
  void give_on(Batch& out) {
    std::size_t token = 0;
    const auto give_tokens = [&](std::size_t frames) {
      for (; token < all_.tokens.size() && all_.tokens[token].frames <= frames; ++token) {
        out.tokens.push_back(std::move(all_.tokens[token]));
        out.tokens.back().frames = out.frames.size();
      }
    };
    std::size_t seen = 0;
    for (auto frame : all_.frames) {
      give_tokens(seen++);
      const auto* values = all_.samples.data() + frame.first;
      frame.first = out.samples.size();
      if (frame.channel == kAllChannels) {
        for (std::size_t n = 0; n < frame.n_samples; ++n, values += n_channels_)
          for (const auto c : kept_) out.samples.push_back(values[c]);
      } else {
        const auto found = std::lower_bound(kept_.begin(), kept_.end(), frame.channel);
        if (found == kept_.end() || *found != frame.channel) continue;
        frame.channel = static_cast<std::uint16_t>(found - kept_.begin());
        out.samples.insert(out.samples.end(), values, values + frame.n_samples);
      }
      out.frames.push_back(frame);
    }
    give_tokens(seen);
    for (auto state : all_.states) {
      state.first += out.soh.size();
      out.states.push_back(state);
    }
    out.soh.insert(out.soh.end(), all_.soh.begin(), all_.soh.end());
    all_.clear();
  }

  std::unique_ptr<Decoder> inner_;
  std::size_t n_channels_;
  std::vector<std::size_t> kept_;
  Batch all_;
};

}  // namespace

std::unique_ptr<Decoder> select_channels(std::unique_ptr<Decoder> inner, std::size_t n_channels, std::vector<std::size_t> kept) {
  if (kept.empty() || kept.back() >= n_channels || !std::is_sorted(kept.begin(), kept.end()))
    throw std::invalid_argument{"channels to keep: none, unsorted, or one that is not there"};
  return std::make_unique<Selection>(std::move(inner), n_channels, std::move(kept));
}

}  // namespace daq::decode
