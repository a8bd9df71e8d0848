#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "acquisition/decode/decoder.hpp"
#include "acquisition/ledger/clock_now.hpp"
#include "acquisition/ledger/counters.hpp"
#include "acquisition/timing/anchors.hpp"
#include "acquisition/timing/arrivals.hpp"
#include "acquisition/timing/clock.hpp"
#include "acquisition/timing/locate.hpp"
#include "acquisition/timing/memory.hpp"
#include "acquisition/timing/options.hpp"
#include "acquisition/timing/sink.hpp"
#include "acquisition/timing/stamps.hpp"

/// Which samples follow one another, and which UTC they have. Pure: no I/O, no clock of its own. apps/acquisition/doc/time.md
/// says it in plain words.
namespace daq::timing {

/// One per stream. Where a frame lies is the Locator's answer, against what the Clock predicts; the timeline draws the
/// consequences:
/// - it follows: the run goes on. The run's axis stays start + i / rate; what UTC its samples have is told by anchors.
/// - the same values are stored for the same time: dropped as Duplicate, also hours later (Memory), also the front of a frame.
/// - ahead: a gap. The first frame behind it waits until the next one agrees with it.
/// - behind, or ahead in a way no gap can be (by the counter or by arrivals nothing is missing; longer than longest_gap; the kind
/// of
///   its time changed with it): a clock that was set, perhaps. It waits until three frames agree: new run, ClockStep, nothing
///   missing.
/// - what waits while the frames behind it go on where they should: it lies between them by count, if there is room for exactly
/// these
///   samples; else it is dropped as BadTime (ahead) or Backward. So one wild time, or two, cost no sample and make no run.
/// - times without stamps (Host, None): they follow by count; what arrives late is a gap only if what comes behind it is as late.
/// So it is with the turns of a counter that nothing but the arrival tells.
/// - a gap's reason is RingFull, Disconnected, BadData (skipped bytes, a frame dropped as BadTime) in that order if such a thing
///   happened since the last stored sample, else NoData.
/// What lies ahead is missing but for times that are stored already (data sent later than others).
/// About 100 ns a frame of one sample; memory: 3 kB, 8 bytes for each sample of the last 2^20, what waits.
class Timeline {
 public:
  Timeline(const Options& options, std::size_t n_channels, Sink& sink);

  /// Rows [n][n_channels] that were stored before, evenly from `start` to `end`: sent again, they are dropped as Duplicate.
  /// @param unsure_s  these times may be off by so much
  void remember(mth5::UtcNanos start, mth5::UtcNanos end, const double* values, std::int64_t n, double unsure_s = 0) {
    if (n > 0) memory_.add(start, end, values, n, period_s_ / 8, unsure_s);
  }

  /// Takes a frame with its values [n_samples][n_channels]; contiguous ones that lie behind one another in memory reach the sink
  /// as one block. The values have to stay until end_of_batch().
  void push(const decode::Frame& frame, const double* values);
  /// The memory of the values goes: what is still to be given out is given out, what waits is copied.
  void end_of_batch();
  /// The source broke off: the next gap is Disconnected. What waits stays waiting.
  void disconnected();
  /// The host's clock was set, which times of arrival are by: the next sample that has one begins a new run (ClockStep, nothing
  /// missing), with a line of its own.
  void host_clock_was_set() { host_set_ = true; }
  /// As Clock::host_clock().
  void host_clock(double known_to_s) {
    if (options_.live) clock_.host_clock(known_to_s);
  }
  /// The end: what waits is given out. Frames pushed after it begin anew.
  void finish();

  [[nodiscard]] const ledger::StreamCounters& counters() const { return counters_; }
  /// Time of the last sample given out or waiting; nullopt before the first.
  [[nodiscard]] std::optional<mth5::UtcNanos> last_time() const;
  [[nodiscard]] const Clock& clock() const { return clock_; }
  /// nullopt before the first sample, and behind finish().
  [[nodiscard]] std::optional<ledger::ClockNow> clock_now() const;
  /// Hz, by the times of the instrument or of arrival, where these contradict Options::sample_rate steadily.
  [[nodiscard]] std::optional<double> other_rate() const {
    const auto told = rate_told_.other();
    return told ? told : clock_.other_rate();
  }

 private:
  static constexpr int kLate = 64;  ///< frames: what a network may turn round

  /// What happened since the last stored sample.
  struct Events {
    bool disconnected = false;
    bool bad_data = false;
  };
  struct Waiting {
    Piece piece;
    Events events;             ///< before it
    bool behind = false;       ///< of the run
    bool follows = false;      ///< the one before it
    bool head = false;         ///< it does not agree with the one before: a chain begins
    bool by_count = false;     ///< it follows the run if all before it lie by count
    bool came_behind = false;  ///< the one that it was put before: what comes next tells whether that is so
  };
  /// What a frame that does not follow would mean.
  struct Verdict {
    GapReason reason = GapReason::NoData;
    std::int64_t missing = 0;  ///< and stored nowhere else
    std::int64_t skipped = 0;  ///< from the end of the run, stored elsewhere or not
    int frames = 2;            ///< that must agree, itself among them
    bool on_line = false;      ///< the clock's line goes on behind it
    bool fill = false;
    bool follows = false;    ///< nothing is missing: the run goes on with it
    std::int64_t turns = 0;  ///< as Place::turns: what comes behind it tells whether they were
  };
  struct Run {
    mth5::UtcNanos start{};
    std::int64_t n = 0;
    std::int64_t position = 0;  ///< of its sample 0, by the clock
  };

  /// The instrument's times tell another rate than the clock: what waits is looked at anew by that one.
  void take_rate();
  [[nodiscard]] Piece read(const decode::Frame& frame, const double* values);
  /// To the step that is known now, of frames of so many samples.
  void cut_stamps(std::int64_t n_samples);
  /// It does not follow, and how far it is ahead is not known: its counter may have begun anew, and it need not be the first
  /// frame that has its time, which is cut. The next time that is exact tells.
  [[nodiscard]] bool jumps_within_step(const Piece& piece) const;
  /// It seems to follow by its time, but the first frames of a step may be lost as well: what is left of them has the same time.
  /// The counter alone has seen it, unless it began anew: the next step tells.
  [[nodiscard]] bool lost_within_step(const Piece& piece) const;
  /// Its time, which is cut, may be that of the end of the run.
  [[nodiscard]] bool follows_within_step(const Piece& piece) const;
  /// A step is a frame: a lost one and a clock that slipped look alike.
  [[nodiscard]] bool slips(const Piece& piece) const;
  /// By a step more than the frame before: the one behind it may have the time between, and belong before it.
  [[nodiscard]] bool may_change_places(const Place& place, const Piece& piece) const;
  [[nodiscard]] Piece behind(const Piece& piece, std::int64_t n) const;
  [[nodiscard]] double length_of(const Piece& piece) const { return static_cast<double>(piece.n) * period_s_; }  ///< s
  [[nodiscard]] End end_of_run() const;
  [[nodiscard]] End end_of(const Piece& piece) const;
  /// @param events  before it
  [[nodiscard]] Place place_behind_run(const Piece& piece, const Events& events) const;
  /// It follows only as times that are cut may be late: a clock that drifts has slipped by a step, or something was lost.
  [[nodiscard]] bool fits_as_cut(const Place& place, const Piece& piece) const;
  /// Which of the two it is. @param lost  something else tells that
  void tell_loss_within_step(Place& place, const Piece& piece, bool lost) const;
  [[nodiscard]] static bool told_loss(const Events& events) { return events.disconnected || events.bad_data; }
  [[nodiscard]] Verdict judge(const Piece& piece, const Place& place, const Events& events) const;

  void consider(Piece piece);
  void consider_with_waiting(Piece piece);
  [[nodiscard]] Place place_behind_waiting(const Piece& piece) const;
  /// The instrument's clock does: a time that was there before says nothing of where the frame lies.
  [[nodiscard]] static bool stands_still(const Piece& piece);
  /// Directly, as one that a network brings late.
  [[nodiscard]] bool lies_before_chain(const Piece& piece) const;
  void put_before_chain(const Piece& piece);
  /// The frame behind the two that seem to have changed places has a time of these: they have not, and the first was wild.
  /// @returns whether there were such two
  bool take_back_order();
  /// The time before `piece` stood, and lay by count; but `piece` follows what it says itself: the one that had it first is wild.
  /// @returns whether that is so
  bool take_back_count(const Piece& piece);
  /// What waits there agrees with none before it.
  void begin_chain_at(std::size_t at);
  /// The chain is one frame, and `next` so far ahead does not confirm it: it went back behind what waits before it, or lies far
  /// behind the run and far before the next.
  [[nodiscard]] bool may_be_wild(const Place& next) const;
  /// By counter and time alike, directly or not, as far as a network turns frames round: neither of the two is wild.
  [[nodiscard]] bool comes_behind(const Piece& before, const Piece& piece) const;
  /// Frames that wait before the chain, but belong to it: they came early.
  void sort_into_chain();
  /// It is what is missing between two of the chain: the index of the second; 0 = it is not.
  [[nodiscard]] std::size_t place_within_chain(const Piece& piece) const;
  void put_within_chain(const Piece& piece, std::size_t at);
  /// Rows at the front of a frame that are stored already, or wait.
  [[nodiscard]] std::int64_t known_rows(const Piece& piece);
  [[nodiscard]] std::int64_t rows_waiting(const Piece& piece) const;
  /// The same where times leave open which row has that time: by what lies before and behind it. New ones are never known; if in
  /// doubt they are stored twice. What waits and is known likewise goes.
  [[nodiscard]] std::int64_t rows_by_order(const Piece& piece);
  [[nodiscard]] bool times_are_vague(const Piece& piece) const;
  /// Rows at its front that are stored from number `row` on, at its time.
  [[nodiscard]] std::int64_t rows_from(std::int64_t row, const Piece& piece) const;
  /// It has the cut time of the frame before, and its values came within that step already: what follows it tells whether it was
  /// sent again. Not where values repeat themselves anyway.
  [[nodiscard]] bool may_be_repeat(const Piece& piece);
  /// A frame behind those that were sent again. @returns whether all of it was, too
  bool go_on_with_repeat(Piece& piece);
  /// `n` rows from `from` on are known, and those in front of row `next`. @returns how many of them are of the frame behind
  std::int64_t drop_known_waiting(std::size_t from, std::int64_t n, std::int64_t next);
  /// @param follows  the last of those that wait; else `agrees` says whether it could be behind a gap there
  void wait(const Piece& piece, bool follows, bool agrees);
  void time_vague_ones(const Piece& piece);
  /// The first of those that wait and have no time of their own which count back from a frame at `time` without leaving the step
  /// that their stamps say; all that wait: none does, samples are missing between.
  [[nodiscard]] std::size_t first_counted_back_from(mth5::UtcNanos time) const;
  /// The first `n` of those that wait lie from the beginning of their steps on: nothing tells more of them.
  void time_by_own_steps(std::size_t n);
  /// Times that agree with none and are about as far apart as samples are those of another rate than was said. Nothing is wrong
  /// with them: the first that waits begins a run, the others are looked at behind it.
  void begin_at_another_rate();
  /// All that waits, which waits no more.
  [[nodiscard]] std::vector<Waiting> take_out_waiting();
  /// Of what waits, from the first on: nothing is missing, though its times do not agree, by a frame or a tenth of what passed.
  [[nodiscard]] bool counter_goes_on() const;
  /// Whether what waits is about as far apart as its samples are long, all of it: frames of another rate, and no wild times.
  [[nodiscard]] bool times_go_on() const;
  void limit_waiting();
  [[nodiscard]] bool chain_is_believed() const;
  /// Arrivals pause and then go on at the rate of the stream, no earlier than a turn of the counter late: that was lost. What
  /// comes in a burst behind the pause, or catches up, had waited somewhere: none was, whatever the pause was.
  /// @returns whether enough has come to tell
  [[nodiscard]] bool turns_show() const;
  /// Which of the two it is, by what waits: the chain's verdict is that of the counter then, with as many turns as there were.
  void settle_turns();
  /// Likewise, and the chain is believed: no more of it is waited for.
  void believe_turns();
  /// As many wait as are missing, and yet they lie where their times say: each in a place of its own, between the run and `end`
  /// or late in one that is free.
  [[nodiscard]] bool times_contradict_count(const End& end) const;
  /// It follows if the one that waits has a wild time; but that may lie behind a gap, and this one, late, in the gap: the next
  /// tells.
  [[nodiscard]] bool may_be_late_in_gap(const Piece& piece) const;
  /// One waits that is ahead of all that followed since as if its time were wild; `piece` is not so far yet.
  [[nodiscard]] bool in_gap_so_far(const Piece& piece) const;
  /// Its own time lies exactly behind `before`.
  [[nodiscard]] bool comes_directly(const Piece& before, const Piece& piece) const;
  /// Its time was right: it came before those that waited behind it.
  void put_early_one_behind();
  void take_waiting_by_count();
  /// Rows from `end`, of the run, to where the time of the piece lies; nullopt: only its own time says where it is and it is on
  /// none of them, or something else says.
  [[nodiscard]] std::optional<std::int64_t> own_row(const End& end, const Piece& piece) const;
  /// Before they are taken by count: those with a time of their own among the places that they get have it; the others, whose
  /// times are wild, get the places that are left, in their order.
  void arrange_by_own_times();
  /// Ahead of the run, no further than a network turns frames round: the next frame tells whether its time is wild.
  [[nodiscard]] bool may_lie_behind_gap(const Waiting& w) const;
  /// `piece` follows the run as if nothing had waited.
  void settle_waiting(const Piece& piece);
  /// Before a run has begun: what stands before the chain by an unbroken counter has its time from it. @returns the first of them
  [[nodiscard]] std::size_t date_by_counter();
  void believe_chain();
  /// What came late, to a run of its own. The run, which ends here, and its clock go on behind it as if it had not come.
  void store_aside(std::span<const Waiting> chain);
  /// The chain, which goes on, begins a run; what waited before it goes on waiting.
  void store_late_chain();
  /// Each frame at its own time.
  void store_all_waiting();
  /// One beyond the last frame of the chain that begins at `from`.
  [[nodiscard]] std::size_t end_of_chain(std::size_t from) const;
  /// Frames of a clock that was set back, enough of them to be no wild times.
  [[nodiscard]] static bool has_own_time(std::span<const Waiting> chain);
  /// Nothing is stored at its times, but before them: it was on the way for long, and no clock was set.
  [[nodiscard]] bool came_late(std::span<const Waiting> chain) const;
  /// The same of one frame, without a counter, where others agree; nor is it before all others.
  [[nodiscard]] bool is_late(const Piece& piece) const;
  /// A run of what waited, at its times.
  void store_chain(std::span<const Waiting> chain, Verdict verdict);
  /// A chain that waits before the one that is believed, between the run and that: behind a gap of its own, and only a wild time
  /// stood in between.
  [[nodiscard]] bool lies_before_head(std::span<const Waiting> chain) const;
  /// Of one that waits, with what was dropped before it.
  [[nodiscard]] Verdict judge_behind_run(const Waiting& w) const;
  /// What is no longer waited for: stored if it has its own time, else as drop_waiting(). @returns rows that were stored
  std::int64_t give_up_chain(std::span<const Waiting> chain, bool others_agree);
  /// What no other frame agrees with: late, at a time that is free, or where the clock stood, it has a run of its own; else it is
  /// dropped.
  /// @param others_agree  with each other, and not on a clock that was set  @returns whether it was stored
  bool drop_waiting(const Waiting& waiting, bool others_agree);
  void drop_front_of_waiting(std::size_t n);

  void append(const Piece& piece, bool believe_time);
  void begin_run(const Piece& piece, const Events& events, const Verdict& verdict);
  void fill_and_append(const Piece& piece, const Verdict& verdict);
  void reanchor();
  void follow(const Piece& piece, bool believe_time);
  void note_anchors();
  void give_out();
  /// When samples were taken, by the clock.
  struct Interval {
    mth5::UtcNanos start, end;
  };
  /// @param own  of its samples that are not filled  @returns false: the sink refused it
  bool store(const Block& block, Interval own);
  void drop(Drop reason, std::int64_t n) { counters_.dropped[static_cast<std::size_t>(reason)] += static_cast<std::uint64_t>(n); }
  void count_gap(const Gap& gap);
  [[nodiscard]] Gap gap(GapReason reason, std::int64_t missing) const;
  [[nodiscard]] static GapReason reason_of(const Events& events);
  [[nodiscard]] mth5::UtcNanos axis(std::int64_t index) const;

  const Options options_;
  const std::size_t n_channels_;
  const double period_s_;        ///< nominal
  const std::int64_t max_fill_;  ///< samples
  Sink& sink_;
  ledger::StreamCounters counters_;

  Stamps stamps_;
  RateTold rate_told_;
  Scatter scatter_;
  std::optional<std::uint64_t> told_counter_;  ///< of the frame behind the last one, stored or not
  std::optional<mth5::UtcNanos> last_arrival_;
  Locator locator_;
  Clock clock_;
  Arrivals arrivals_;
  StaysLate stays_late_;
  Slips slips_;
  Memory memory_;
  Anchors anchors_;

  std::optional<Run> run_;  ///< what was given out, refused samples too
  decode::TimeKind kind_ = decode::TimeKind::Gps;
  std::optional<std::uint64_t> next_counter_;
  std::int64_t last_n_ = 1;

  std::vector<Waiting> waiting_;
  std::size_t chain_ = 0;                   ///< where in it the frames begin that agree with one another
  int agreeing_ = 0;                        ///< how many do
  std::vector<std::uint64_t> step_hashes_;  ///< of the frames since the time went on, where it is cut to more than a frame
  int alike_ = 0;                           ///< times that values came again which were new
  bool looks_repeated_ = false;             ///< what waits for an exact time
  std::optional<std::int64_t> repeat_;      ///< the row that comes next in what is sent again
  Verdict chain_verdict_;                   ///< of the first of them
  std::vector<double> waiting_values_, fill_values_;

  std::optional<mth5::UtcNanos> stored_end_;  ///< where the next stored sample would leave no gap; nullopt before the first block
  std::int64_t owed_ = 0;                     ///< samples that the sink refused or that were missing in front of those
  bool host_set_ = false;                     ///< since the last frame with a time of arrival
  bool lost_ = false;                         ///< the sink refused samples since the last stored one
  Events events_;
  Block block_;
  std::int64_t block_position_ = 0;  ///< of its first sample, by the clock
  std::int64_t noted_ = 0;           ///< position up to which anchors are
};

}  // namespace daq::timing
