#include "acquisition/ledger/reasons.hpp"

namespace daq::ledger {

namespace {

constexpr std::array<Reason, kSkips> kSkipReasons{{
    {"garbage", "no frame of this instrument"},
    {"cut-off", "a frame that ends too early, or the rest of one at a disconnect"},
    {"bad-time", "a frame whose date or time does not exist"},
    {"bad-value", "no channel holds a number, or fields are not where they should be"},
    {"too-long", "no line end within the longest line, no frame within the longest frame"},
    {"bad-check", "a frame whose checksum does not fit"},
    {"unconfirmed", "a frame that no other follows, where several must be seen before one is believed"},
    {"short-line", "a line of a length that the instrument's whole lines do not have, and that nothing could be kept of"},
    {"other-sentence", "a whole sentence with the right checksum that the profile does not name, as of a GPS on the same line"},
    {"other-record", "a whole record of a channel or a rate that the profile does not name, or without samples"},
}};

constexpr std::array<Reason, kInputFaults> kInputFaultTexts{{
    {"kernel-drop", "datagrams that came faster than they were read: the receive buffer was full"},
    {"oversized", "datagrams that are longer than udp.longest: not taken"},
    {"other-sender", "datagrams or connections of another address than from: not taken"},
    {"refused-peer", "connections refused because another one was there"},
    {"overrun", "bytes that a serial port or its driver had no room for"},
    {"framing", "bytes of a serial port without a stop bit: a wrong baud, or noise"},
    {"parity", "bytes of a serial port whose parity was wrong: taken as NUL"},
    {"break", "breaks of a serial line: it was held low, as by a cable that is off"},
    {"shrunk", "files that became shorter while they were followed: read again from their beginning, or by http no further"},
    {"rewritten", "files that were written anew while they were followed: read again from their beginning"},
    {"added-late", "bytes added to a file of a directory after its next one had begun: read when mth5d starts again"},
}};

/// Names are those of their figures.
constexpr std::array<Reason, kMisfits> kMisfitTexts{{
    {"values_clipped", "beyond what the type of their channel can hold: stored as the nearest that it can, in floats infinity"},
    {"values_rounded", "no whole numbers, in a channel of whole numbers: stored as the nearest"},
    {"values_as_fill", "the same as the fill value of their channel: stored, and taken for unknown by who reads the file"},
}};

constexpr std::array<Reason, kDrops> kDropReasons{{
    {"duplicate", "stored already: the same values at the same time"},
    {"backward", "the clock jumped back, and nothing confirmed it"},
    {"bad-time", "a time that the frames before and behind it contradict"},
    {"ring-full", "the disk did not keep up, and the ring was full"},
    {"write-failed", "the disk refused what had been taken out of the ring"},
    {"write-refused", "the library refused it; the disk is well"},
    {"file-lost", "in a data file that was deleted while it was recorded"},
    {"stopped", "mth5d was told to stop, and the disk did not take the rest of the ring in time"},
}};

constexpr std::array<Reason, kGapReasons> kGapReasonTexts{{
    {"no-data", "the instrument sent nothing"},
    {"disconnected", "the source was not connected"},
    {"bad-data", "what came was no frame, or its time was wrong"},
    {"clock-step", "the instrument's clock was set"},
    {"clock-drift", "a new run because the plain time axis was off; nothing is missing"},
    {"out-of-order", "a frame that came behind later ones: it has a run of its own at its time; nothing is missing"},
    {"channel-away", "one channel of the stream did not come in time"},
    {"no-value", "a field of one channel of whole numbers held no value"},
    {"ring-full", "the disk did not keep up, and the ring was full"},
    {"write-failed", "the disk refused to write"},
    {"write-refused", "the library refused to write; the disk is well"},
    {"file-lost", "the data file was deleted while it was recorded"},
    {"writer-died", "the recorder crashed or the power was cut"},
    {"not-running", "the recorder was stopped, and started again"},
    {"stopped", "mth5d was told to stop before the disk had taken everything"},
}};

template <class List, class E>
std::string_view name_of(const List& list, E reason) {
  const auto i = static_cast<std::size_t>(reason);
  return i < list.size() ? list[i].name : "unknown";
}

}  // namespace

std::span<const Reason, kSkips> skip_reasons() { return kSkipReasons; }
std::span<const Reason, kInputFaults> input_faults() { return kInputFaultTexts; }
std::span<const Reason, kMisfits> misfits() { return kMisfitTexts; }
std::span<const Reason, kDrops> drop_reasons() { return kDropReasons; }
std::span<const Reason, kGapReasons> gap_reasons() { return kGapReasonTexts; }

std::string_view to_string(Skip reason) { return name_of(kSkipReasons, reason); }
std::string_view to_string(InputFault fault) { return name_of(kInputFaultTexts, fault); }
std::string_view to_string(Misfit misfit) { return name_of(kMisfitTexts, misfit); }
std::string_view to_string(Drop reason) { return name_of(kDropReasons, reason); }
std::string_view to_string(GapReason reason) { return name_of(kGapReasonTexts, reason); }

}  // namespace daq::ledger
