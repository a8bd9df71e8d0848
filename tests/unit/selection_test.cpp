#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "acquisition/decode/description.hpp"
#include "acquisition/decode/selection.hpp"
#include "support/lemi424.hpp"

namespace {

using namespace daq::decode;
using testing::ElementsAre;

/// Gives out the frames that it was made with.
class Fixed final : public Decoder {
 public:
  explicit Fixed(Batch batch) : batch_{std::move(batch)} {}
  void feed(const Chunk&, Batch& out) override { out = batch_; }
  void end_of_stream(Batch&) override {}
  [[nodiscard]] const daq::ledger::SourceCounters& counters() const override { return counters_; }
  [[nodiscard]] const std::vector<Refusal>& refusals() const override { return refusals_; }

 private:
  Batch batch_;
  daq::ledger::SourceCounters counters_;
  std::vector<Refusal> refusals_;
};

TEST(Selection, LeavesOutChannelsOfFramesOfSeveralSamples) {
  Batch batch;
  batch.frames = {{.n_samples = 2, .first = 0}, {.n_samples = 1, .first = 6, .after_skip = true}};
  batch.samples = {1, 2, 3, 11, 12, 13, 21, 22, 23};
  batch.states = {{{}, 0}};
  batch.soh = {7, 8};
  const auto decoder = select_channels(std::make_unique<Fixed>(batch), 3, {0, 2});
  Batch out;
  out.samples = {-1};
  out.soh = {-1};
  decoder->feed({}, out);
  EXPECT_THAT(out.samples, ElementsAre(-1, 1, 3, 11, 13, 21, 23));
  ASSERT_EQ(out.frames.size(), 2u);
  EXPECT_EQ(out.frames[0].first, 1u);
  EXPECT_EQ(out.frames[1].first, 5u);
  EXPECT_TRUE(out.frames[1].after_skip);
  ASSERT_EQ(out.states.size(), 1u);
  EXPECT_EQ(out.states[0].first, 1u);
  EXPECT_THAT(out.soh, ElementsAre(-1, 7, 8));
}

TEST(Selection, RenumbersFramesOfOneChannelAndDropsThoseOfOthers) {
  Batch batch;
  batch.frames = {{.channel = 0, .n_samples = 2, .first = 0}, {.channel = 2, .n_samples = 1, .first = 2}};
  batch.samples = {1, 2, 3};
  const auto decoder = select_channels(std::make_unique<Fixed>(batch), 3, {1, 2});
  Batch out;
  decoder->feed({}, out);
  ASSERT_EQ(out.frames.size(), 1u);
  EXPECT_EQ(out.frames[0].channel, 1u);
  EXPECT_THAT(out.samples, ElementsAre(3));
}

TEST(Selection, StillCountsAllBytesOfTheInstrument) {
  const Description lemi = support::lemi424_format();
  const auto all = make_decoder(lemi);
  const auto some = make_decoder(lemi, {0, 8});
  const auto text = support::lemi424_line(0) + "\ngarbage\n" + support::lemi424_line(1) + "\n";
  Batch all_out, some_out;
  all->feed({.bytes = text}, all_out);
  some->feed({.bytes = text}, some_out);
  EXPECT_EQ(some->counters(), all->counters());
  EXPECT_EQ(some->refusals(), all->refusals());
  EXPECT_THAT(some_out.samples, ElementsAre(23772.512, 8.224, 23772.512, 8.224));
  EXPECT_EQ(some_out.soh.size(), all_out.soh.size());
}

TEST(Selection, RefusesWhatIsNotThere) {
  const Description lemi = support::lemi424_format();
  EXPECT_THROW(static_cast<void>(make_decoder(lemi, {9})), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(make_decoder(lemi, {3, 1})), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(select_channels(make_decoder(lemi), 9, {})), std::invalid_argument);
}

}  // namespace
