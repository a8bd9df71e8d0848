#include "acquisition/source/atss.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <map>

#include "acquisition/config/login.hpp"
#include "acquisition/decode/atss.hpp"
#include "support/support.hpp"

/// What is asked of a box that serves .atss files, answer by answer.
namespace {

using daq::decode::read_atss_block;
using daq::source::Atss;
using daq::source::listed;
using daq::source::Listed;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;
using namespace std::chrono_literals;

const daq::config::Instrument& adu() {
  static const auto found =
      daq::config::find_instrument("metronix-adu", {support::data().parent_path().parent_path() / "config/instruments"});
  return *found.instrument;
}

const std::vector<std::string> kChannels{"hx", "hy", "hz", "ex", "ey"};

TEST(AtssBlocks, AreReadByTheProfileAsTheyAreWritten) {
  ASSERT_TRUE(daq::decode::reads_atss_blocks(adu().decoder));
  EXPECT_FALSE(daq::decode::reads_atss_blocks(
      daq::decode::MiniSeedFormat{.codes = {"?FX", "?FY", "?FZ", "?QX", "?QY"}, .sample_rate = 1, .n_channels = 5, .n_soh = 1}));
  const auto time = *mth5::parse_time("2026-05-01T00:00:00.000123456Z");
  const std::vector<double> rows(std::size_t{5} * daq::decode::most_atss_rows(5), 1.25);
  std::string bytes;
  daq::decode::append_atss_samples(bytes, time, 5, rows);
  EXPECT_LE(bytes.size(), daq::decode::kMostAtssBlock);
  EXPECT_GT(bytes.size() + 40, daq::decode::kMostAtssBlock) << "one more row would be too much";
  const auto block = read_atss_block(bytes);
  ASSERT_TRUE(block && !block->state);
  EXPECT_EQ(block->time, time);
  EXPECT_EQ(block->rows, rows);
  for (std::size_t at = 0; at < 24; ++at) {
    auto other = bytes;
    other[at] = static_cast<char>(other[at] ^ 0x40);
    EXPECT_FALSE(read_atss_block(other)) << "byte " << at;
    EXPECT_FALSE(read_atss_block(std::span{bytes}.first(at)));
  }
  bytes.clear();
  daq::decode::append_atss_state(bytes, time, {40.5, -115, std::nan(""), {1, 2, 3, 1200, 1300}});
  ASSERT_TRUE(read_atss_block(bytes) && read_atss_block(bytes)->state);
  EXPECT_EQ(read_atss_block(bytes)->state->contact_resistance, (std::vector<double>{1, 2, 3, 1200, 1300}));
  daq::decode::append_atss_samples(bytes, time, 5, std::span{rows}.first(10));
  const auto decoder = daq::decode::make_decoder(adu().decoder);
  daq::decode::Batch batch;
  decoder->feed({.bytes = bytes}, batch);
  ASSERT_EQ(batch.states.size(), 1u);
  EXPECT_EQ(batch.states[0].time, time);
  EXPECT_EQ(batch.soh[0], 40.5);
  EXPECT_TRUE(std::isnan(batch.soh[2]));
  EXPECT_EQ(batch.soh[3], 1200);
  EXPECT_EQ(batch.soh[4], 1300);
}

TEST(AtssFiles, AreFoundInListingsOfEveryKind) {
  const auto dav = R"(<?xml version="1.0"?><D:multistatus xmlns:D="DAV:" xmlns:a="x">
    <D:response><D:href>/da%74a/</D:href></D:response>
    <D:response><D:href> http://box:80/data/run_001/ </D:href><D:propstat><D:getcontentlength>9</D:getcontentlength></D:propstat></D:response>
    <d:response><d:href>/data/a%2Eatss</d:href><lp1:getcontentlength>4096</lp1:getcontentlength></d:response>
    <d:response><d:href>/data/run_001/deeper</d:href><lp1:getcontentlength>1</lp1:getcontentlength></d:response>
    <d:response><d:href>/data/..%2Fx</d:href></d:response><d:response><d:href>/data/a&amp;b</d:href></d:response>
    <d:response><d:href>/other/run_002</d:href></d:response></D:multistatus>)";
  EXPECT_THAT(listed(dav, "/data/"), ElementsAre(Listed{"run_001", 9}, Listed{"a.atss", 4096}));
  const auto html = R"(<html><a href="?C=N;O=D">Name</a><a HREF='/data/'>up</a><A class=x href="run_002/">r</A>
    <a href=/data/run_003/>r</a><a href="run_002/">again</a><a href="./b.json">b</a><a href="http://e.org/x">x</a><a name="href">)";
  EXPECT_THAT(listed(html, "/data/"), ElementsAre(Listed{"run_002"}, Listed{"run_003"}, Listed{"b.json"}));
  EXPECT_THAT(listed("<href>", "/"), IsEmpty());
  EXPECT_THAT(listed("<a href=", "/"), IsEmpty());
  EXPECT_EQ(daq::source::run_number("run_007"), 7u);
  for (const char* other : {"run_", "run_1x", "run_1234567890", "RUN_1", "run_-1"})
    EXPECT_FALSE(daq::source::run_number(other)) << other;
}

TEST(AtssFiles, SayByTheirNamesWhatTheyAre) {
  const auto name = daq::source::parse_atss_name("084_ADU-08e_C02_THx_1024Hz.atss");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->stem, "084_ADU-08e_C02_THx_1024Hz");
  EXPECT_EQ(name->type, "Hx");
  EXPECT_EQ(name->rate_hz, 1024);
  EXPECT_EQ(daq::source::parse_atss_name("1_a_C00_TEx_16s.atss")->rate_hz, 0.0625);
  for (const char* other : {"a.atss", "084_C02_THx_1024Hz.json", "C02_Hx_1024Hz.atss", "C02_T_1Hz.atss", "C02_THx_0Hz.atss",
                            "C02_THx_-1s.atss", "C02_THx_infHz.atss", "C02_THx_Hz.atss", ".atss", "_.atss"})
    EXPECT_FALSE(daq::source::parse_atss_name(other)) << other;
}

TEST(AtssFiles, HaveHeadersOfWhichOnlyTheTimeMustBeThere) {
  const auto header = daq::source::parse_atss_header(
      R"({"datetime": "2026-05-01T00:00:00.5", "latitude": 40.5, "longitude": 181, "elevation": "high", "resistance": 1200.5,
          "units": "mV/km", "sensor_calibration": {"sensor": "EFP\u001b06", "serial": 17}})");
  ASSERT_TRUE(header);
  EXPECT_EQ(mth5::to_iso(header->start), "2026-05-01T00:00:00.500Z");
  EXPECT_EQ(header->latitude, 40.5);
  EXPECT_TRUE(std::isnan(header->longitude) && std::isnan(header->elevation));
  EXPECT_EQ(header->contact_resistance, 1200.5);
  EXPECT_EQ(header->units, "mV/km");
  EXPECT_EQ(header->sensor, "EFP\\x1b06 17");
  EXPECT_TRUE(daq::source::parse_atss_header(R"({"datetime":"2026-05-01T00:00:00"})"));
  for (const char* other :
       {"", "{", "[]", "{}", R"({"datetime": 5})", R"({"datetime": "today"})", R"({"datetime": "1900-01-01"})"})
    EXPECT_FALSE(daq::source::parse_atss_header(other)) << other;
  EXPECT_FALSE(daq::source::parse_atss_header(std::string(1u << 20, '[')));
}

std::string http(const std::string& status, const std::string& body, const std::string& fields = "") {
  return "HTTP/1.1 " + status + "\r\n" + fields + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// A box with one run after the other, of channels hx ... ey at 256 Hz; sample i of channel c is 8 i + c.
struct Box {
  struct Channel {
    std::size_t have = 0;  ///< samples in the file
  };
  struct Run {
    std::string start;
    std::vector<Channel> channels = std::vector<Channel>(5);
    bool has_headers = true;
  };
  std::map<std::string, Run> runs{{"run_001", {"2026-05-01T00:00:00"}}};
  bool knows_dav = true, knows_range = true;
  std::size_t longest_asked = 0;  ///< bytes
  int answers_of_connection = 0;  ///< then it closes; 0: any number
  int answers = 0;

  static std::string name(std::size_t c) {
    const char* types[] = {"Hx", "Hy", "Hz", "Ex", "Ey"};
    return "084_ADU-08e_C0" + std::to_string(c) + "_T" + types[c] + "_256Hz";
  }
  std::string answer(const std::string& request) {
    auto text = answer_open(request);
    if (answers_of_connection > 0 && ++answers % answers_of_connection == 0)
      text.insert(text.find("\r\n") + 2, "Connection: close\r\n");
    return text;
  }
  std::string answer_open(const std::string& request) {
    const bool dav = request.starts_with("PROPFIND ");
    if (dav && !knows_dav) return http("405 Method Not Allowed", "no");
    const auto path = request.substr(request.find(' ') + 1, request.find(" HTTP") - request.find(' ') - 1);
    std::string list;
    const auto add = [&](const std::string& entry) {
      list += dav ? "<D:response><D:href>" + path + entry + "</D:href></D:response>" : "<a href=\"" + entry + "\">x</a>";
    };
    if (path == "/data/") {
      for (const auto& [run, one] : runs) add(run + "/");
      return http(dav ? "207 Multi-Status" : "200 OK", list);
    }
    const auto run = runs.find(path.substr(6, 7));
    if (run == runs.end()) return http("404 Not Found", "");
    if (path.ends_with('/')) {
      for (std::size_t c = 0; c < 5; ++c) add(name(c) + ".atss");
      return http(dav ? "207 Multi-Status" : "200 OK", list);
    }
    std::size_t c = 0;
    while (path.find(name(c)) == path.npos) ++c;
    if (path.ends_with(".json"))
      return run->second.has_headers
                 ? http("200 OK", "{\"datetime\": \"" + run->second.start + "\", \"resistance\": " + std::to_string(1000 * c) +
                                      ", \"latitude\": 40.5}")
                 : http("404 Not Found", "");
    const auto total = run->second.channels[c].have * 8;
    const auto at = request.find("Range: bytes=") + 13;
    const auto from = std::stoul(request.substr(at)), to = std::stoul(request.substr(request.find('-', at) + 1));
    longest_asked = std::max(longest_asked, to - from + 1);
    const auto end = std::min<std::size_t>(to + 1, total);
    std::string body;
    for (auto i = knows_range ? from / 8 : 0; i * 8 < (knows_range ? end : total); ++i) {
      const auto value = static_cast<double>(8 * i + c);
      body.append(reinterpret_cast<const char*>(&value), 8);
    }
    if (!knows_range) return http("200 OK", body);
    if (from >= total) return http("416 Range Not Satisfiable", "", "Content-Range: bytes */" + std::to_string(total) + "\r\n");
    return http(
        "206 Partial Content", body.substr(0, end - from),
        "Content-Range: bytes " + std::to_string(from) + '-' + std::to_string(end - 1) + '/' + std::to_string(total) + "\r\n");
  }
  void grow(const std::string& run, std::size_t n) {
    for (auto& channel : runs.at(run).channels) channel.have += n;
  }
};

struct Talk {
  explicit Talk(const std::string& runs = "newest") : client{{.url = "http://box/data", .runs = runs}, 256, kChannels} {}

  void take(Atss::Answer answer, Box& box, std::size_t piece) {
    while (answer.failed.empty() && !answer.send.empty()) {
      asked.push_back(answer.send.substr(0, answer.send.find(" HTTP")));
      const auto bytes = box.answer(answer.send);
      answer = {};
      for (std::size_t at = 0; at < bytes.size() && answer.failed.empty(); at += piece) {
        const auto part = bytes.substr(at, piece);
        auto said = client.received(part, now, [this](std::span<const char> packet, std::string_view token) {
          const auto block = read_atss_block(packet);
          ASSERT_TRUE(block);
          if (block->state) states.push_back(*block->state);
          for (std::size_t i = 0; i < block->rows.size(); ++i) rows.push_back(block->rows[i]);
          if (!block->rows.empty()) times.push_back(block->time);
          tokens.emplace_back(token);
        });
        if (said.reopen) {
          client.disconnected();
          said = client.connected(now);
        }
        if (!said.send.empty() || !said.failed.empty()) answer = said;
      }
    }
    failed = answer.failed;
    for (auto& one : client.take_news()) news.push_back(std::move(one));
    for (auto& one : client.take_faults()) faults.push_back(std::move(one.what));
  }
  void connect(Box& box, std::size_t piece = 100'000) { take(client.connected(now), box, piece); }
  /// So many polls, with all that follows from them.
  void poll(Box& box, int n = 1, std::size_t piece = 100'000) {
    for (; n > 0; --n) {
      now += 1s;
      take(client.due(now), box, piece);
    }
  }
  /// Rows 0 ... n - 1, each once.
  void expect_rows(std::size_t n) const {
    ASSERT_EQ(rows.size(), 5 * n);
    for (std::size_t i = 0; i < rows.size(); ++i) ASSERT_EQ(rows[i], static_cast<double>(8 * (i / 5) + i % 5)) << i;
  }

  Atss client;
  Atss::Time now{1h};
  std::vector<std::string> asked, news, faults, tokens;
  std::vector<double> rows;
  std::vector<mth5::UtcNanos> times;
  std::vector<daq::decode::AtssState> states;
  std::string failed;
};

TEST(AtssTalk, BringsRowsOfAllChannelsHoweverAnswersAreCut) {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{1000}, std::size_t{65536}}) {
    for (const bool dav : {true, false}) {
      Box box{.knows_dav = dav};
      box.grow("run_001", 3000);  // more than a part of a channel
      box.runs.at("run_001").channels[3].have = 2500;
      Talk talk;
      talk.connect(box, piece);
      EXPECT_EQ(talk.failed, "");
      talk.expect_rows(2500);
      EXPECT_EQ(talk.tokens.back(), "run_001 1777593600000000000 2500");
      EXPECT_EQ(talk.times.front(), *mth5::parse_time("2026-05-01T00:00:00Z"));
      box.grow("run_001", 500);
      talk.poll(box, 1, piece);
      talk.expect_rows(3000);
      box.runs.at("run_001").channels[3].have = 3500;
      talk.poll(box, 1, piece);
      talk.expect_rows(3500);
      ASSERT_EQ(talk.states.size(), 1u);
      EXPECT_EQ(talk.states[0].latitude, 40.5);
      EXPECT_TRUE(std::isnan(talk.states[0].longitude));
      EXPECT_TRUE(std::isnan(talk.states[0].contact_resistance[0])) << "0 of a coil";
      EXPECT_EQ(talk.states[0].contact_resistance[4], 4000);
      EXPECT_LE(box.longest_asked, daq::decode::most_atss_rows(5) * 8);
      EXPECT_THAT(talk.news, ElementsAre(HasSubstr("run_001 of 2026-05-01T00:00:00Z is read from sample 0: hx, hy")));
    }
  }
}

TEST(AtssTalk, AsksForWhatIsNewOnly) {
  Box box;
  box.grow("run_001", 100);
  Talk talk;
  talk.connect(box);
  EXPECT_THAT(talk.asked, ElementsAre("PROPFIND /data/", "PROPFIND /data/run_001/",
                                      StartsWith("GET /data/run_001/084_ADU-08e_C00_THx"), testing::_, testing::_, testing::_,
                                      testing::EndsWith("C04_TEy_256Hz.json"), testing::EndsWith("C00_THx_256Hz.atss"),
                                      testing::_, testing::_, testing::_, testing::EndsWith("C04_TEy_256Hz.atss")));
  talk.asked.clear();
  talk.poll(box);
  EXPECT_EQ(talk.asked.size(), 5u) << "each channel once";
  talk.expect_rows(100);
  EXPECT_EQ(talk.client.due(talk.now + 900ms).send, "") << "not before poll";
}

/// Apache closes after so many answers as it is told to, others after each.
TEST(AtssTalk, GoesOnWhereAServerClosesAfterAnswers) {
  for (const int answers : {1, 2, 3, 7}) {
    SCOPED_TRACE(answers);
    Box box{.answers_of_connection = answers};
    box.grow("run_001", 3000);
    Talk talk;
    talk.connect(box);
    talk.expect_rows(3000);
    box.grow("run_001", 500);
    talk.poll(box, 2);
    talk.expect_rows(3500);
    talk.asked.clear();
    talk.poll(box, 5);
    EXPECT_EQ(talk.asked.size(), 25u) << "each channel once in a round, and no header again";
    box.runs["run_002"] = {"2026-05-01T01:00:00"};
    box.grow("run_002", 256);
    talk.poll(box, 30);
    EXPECT_EQ(talk.rows.size(), 5u * (3500 + 256)) << "a run that rests is left for the next one";
    EXPECT_EQ(talk.failed, "");
  }
}

/// Without a word, where it is asked more rarely than it waits for.
TEST(AtssTalk, FindsTheNextRunWhereAServerClosesBetweenRounds) {
  Box box;
  box.grow("run_001", 100);
  Talk talk;
  talk.connect(box);
  box.runs["run_002"] = {"2026-05-01T01:00:00"};
  box.grow("run_002", 256);
  for (int i = 0; i < 30; ++i) {
    EXPECT_TRUE(talk.client.closed(talk.now, [](auto, auto) {}).reopen);
    talk.client.disconnected();
    talk.now += 1s;
    talk.connect(box);
  }
  EXPECT_EQ(talk.rows.size(), 5u * 356);
  EXPECT_EQ(talk.failed, "");
}

/// One that comes back later may be another.
TEST(AtssTalk, LooksAtTheRunAgainWhereAServerWasAway) {
  Box box{.answers_of_connection = 1};
  box.grow("run_001", 100);
  Talk talk;
  talk.connect(box);
  talk.expect_rows(100);
  box.runs.at("run_001") = {"2026-05-03T00:00:00"};
  box.grow("run_001", 5);
  talk.client.disconnected();
  talk.now += 6s;
  talk.connect(box);
  EXPECT_EQ(talk.times.back(), *mth5::parse_time("2026-05-03T00:00:00Z"));
  EXPECT_THAT(talk.news, testing::Contains(HasSubstr("run_001 has begun anew")));
}

TEST(AtssTalk, FollowsRunsInTheirOrder) {
  Box box;
  box.runs["run_002"] = {"2026-05-01T01:00:00"};
  box.runs["run_010"] = {"2026-05-01T02:00:00"};
  for (const auto& [name, run] : std::map{box.runs}) box.grow(name, 256);
  Talk newest;
  newest.connect(box);
  newest.poll(box, 30);
  EXPECT_THAT(newest.times, ElementsAre(*mth5::parse_time("2026-05-01T02:00:00Z")));
  Talk all{"all"};
  all.connect(box);
  all.poll(box, 60);
  EXPECT_THAT(all.times, ElementsAre(*mth5::parse_time("2026-05-01T00:00:00Z"), *mth5::parse_time("2026-05-01T01:00:00Z"),
                                     *mth5::parse_time("2026-05-01T02:00:00Z")));
  // A run that still grows is not left for a later one.
  box.runs["run_011"] = {"2026-05-01T03:00:00"};
  for (int i = 0; i < 100; ++i) {
    box.grow("run_010", 256);
    all.poll(box);
  }
  EXPECT_EQ(all.times.back(), *mth5::parse_time("2026-05-01T02:01:40Z"));
  box.grow("run_011", 1);
  box.runs.at("run_010").channels[0].have += 7;
  all.poll(box, 30);
  EXPECT_EQ(all.times.back(), *mth5::parse_time("2026-05-01T03:00:00Z"));
  EXPECT_THAT(all.news, testing::Contains(
                            HasSubstr("run_010 has ended with samples that not all channels have, and that are left out: hx 7")));
}

TEST(AtssTalk, AServerThatIgnoresRangeIsNotReadAgainAndAgain) {
  Box box{.knows_range = false};
  box.grow("run_001", 100);
  Talk talk;
  talk.connect(box);
  EXPECT_THAT(talk.failed, HasSubstr("http://box/data: ignores Range: it would send /data/run_001/"));
  talk.asked.clear();
  talk.client.disconnected();
  talk.connect(box);
  talk.poll(box, 590);
  EXPECT_EQ(talk.failed, "");
  for (const auto& one : talk.asked) EXPECT_THAT(one, testing::Not(HasSubstr(".atss")));
  EXPECT_LE(talk.asked.size(), 600u / 10 * 2 + 10) << "the directories are looked at";
  box.knows_range = true;
  talk.poll(box, 20);
  talk.expect_rows(100);
}

TEST(AtssTalk, AFileThatBecameShorterIsRefused) {
  Box box;
  box.grow("run_001", 100);
  Talk talk;
  talk.connect(box);
  box.runs.at("run_001").channels[2].have = 50;
  talk.poll(box);
  EXPECT_THAT(talk.faults, ElementsAre(AllOf(HasSubstr("C02_THz_256Hz.atss has become shorter: 400 bytes, and 800 were read"))));
  box.grow("run_001", 500);
  talk.poll(box, 100);
  talk.expect_rows(100);
  EXPECT_EQ(talk.faults.size(), 1u);
  box.runs["run_002"] = {"2026-05-01T01:00:00"};
  box.grow("run_002", 10);
  talk.poll(box, 20);
  EXPECT_EQ(talk.rows.size(), 5u * 110) << "the next run is taken";
}

TEST(AtssTalk, GoesOnWhereTheConnectionBroke) {
  Box box;
  box.grow("run_001", 100);
  Talk talk;
  talk.connect(box);
  talk.now += 1s;
  box.grow("run_001", 100);
  const auto request = talk.client.due(talk.now).send;
  const auto half = box.answer(request).substr(0, 300);
  EXPECT_EQ(talk.client.received(half, talk.now, [](auto, auto) { FAIL(); }).send, "");
  EXPECT_FALSE(talk.client.closed(talk.now, [](auto, auto) { FAIL(); }).reopen) << "in the middle of an answer";
  talk.client.disconnected();
  talk.connect(box);
  talk.expect_rows(200);
}

/// Apache ends each connection after 100 answers, or five seconds.
TEST(AtssTalk, AServerMayCloseBetweenAnswers) {
  Box box;
  box.grow("run_001", 100);
  Talk talk;
  EXPECT_FALSE(talk.client.closed(talk.now, [](auto, auto) {}).reopen) << "it has said nothing yet";
  talk.connect(box);
  EXPECT_TRUE(talk.client.closed(talk.now, [](auto, auto) {}).reopen);
  talk.now += 1s;
  EXPECT_THAT(talk.client.due(talk.now).send, StartsWith("GET "));
  EXPECT_TRUE(talk.client.closed(talk.now, [](auto, auto) {}).reopen) << "while it was asked";
  talk.client.disconnected();
  const auto first = talk.client.connected(talk.now).send;
  auto bytes = box.answer(first);
  bytes.insert(bytes.find("\r\n") + 2, "Connection: close\r\n");
  EXPECT_TRUE(talk.client.received(bytes, talk.now, [](auto, auto) {}).reopen);
}

TEST(AtssTalk, TakesUpTheRunThatTheFileEndsWith) {
  Box box;
  box.runs["run_002"] = {"2026-05-01T01:00:00"};
  box.grow("run_001", 300);
  box.grow("run_002", 256);
  Talk talk;
  talk.client.durable({.time = *mth5::parse_time("2026-05-01T00:00:00.5Z"),
                       .token = "run_001 1777593600000000000 128",
                       .stored = *mth5::parse_time("2026-05-01T00:00:01Z")});
  talk.connect(box);
  talk.poll(box, 30);
  ASSERT_THAT(talk.times, ElementsAre(*mth5::parse_time("2026-05-01T00:00:01Z"), *mth5::parse_time("2026-05-01T01:00:00Z")));
  EXPECT_EQ(talk.rows.front(), 8 * 256) << "what is stored behind the token comes again, and is left out";
  EXPECT_EQ(talk.rows.size(), 5u * (44 + 256));
  EXPECT_EQ(talk.tokens.front(), "run_001 1777593600000000000 256");

  // The box has begun anew under the same name.
  box.runs.at("run_001").start = "2026-05-02T00:00:00";
  box.runs.erase("run_002");
  Talk other;
  other.client.durable(
      {.time = {}, .token = "run_001 1777593600000000000 128", .stored = *mth5::parse_time("2026-05-01T00:00:01Z")});
  other.connect(box);
  EXPECT_THAT(other.times, ElementsAre(*mth5::parse_time("2026-05-02T00:00:00Z")));
  EXPECT_THAT(other.news,
              testing::Contains(HasSubstr("run_001 is not the one that the file ends with: it begins at 2026-05-02")));
  // And while it is followed.
  box.runs.at("run_001") = {"2026-05-03T00:00:00"};
  box.grow("run_001", 5);
  other.client.disconnected();
  other.connect(box);
  EXPECT_EQ(other.times.back(), *mth5::parse_time("2026-05-03T00:00:00Z"));
  EXPECT_THAT(other.news, testing::Contains(HasSubstr("run_001 has begun anew")));
  EXPECT_THAT(other.faults, IsEmpty());
  // What was read once is not read again because what came after it was deleted.
  box.runs["run_000"] = {"2026-05-02T12:00:00"};
  box.grow("run_000", 5);
  box.runs.erase("run_001");
  other.poll(box, 30);
  EXPECT_EQ(other.times.back(), *mth5::parse_time("2026-05-03T00:00:00Z"));
  EXPECT_THAT(other.news,
              testing::Contains(HasSubstr("run_000 begins at 2026-05-02T12:00:00Z, before the end of what was read")));
}

TEST(AtssTalk, SaysWhatARunLacks) {
  Box box;
  box.grow("run_001", 100);
  box.runs.at("run_001").has_headers = false;
  Talk talk;
  talk.connect(box);
  talk.poll(box, 100);
  EXPECT_THAT(talk.news, ElementsAre(HasSubstr("run_001/084_ADU-08e_C00_THx_256Hz.json: answers 404"), testing::_, testing::_,
                                     testing::_, testing::_));
  EXPECT_THAT(talk.rows, IsEmpty());
  box.runs.at("run_001").has_headers = true;
  talk.poll(box, 20);
  talk.expect_rows(100);

  Talk other;
  Atss faster{{.url = "http://box/data"}, 512, kChannels};
  std::vector<std::string> news;
  auto answer = faster.connected(other.now);
  for (int i = 0; i < 40; ++i) {
    while (!answer.send.empty()) answer = faster.received(box.answer(answer.send), other.now, [](auto, auto) { FAIL(); });
    for (auto& one : faster.take_news()) news.push_back(one);
    answer = faster.due(other.now += 1s);
  }
  EXPECT_THAT(news, ElementsAre(HasSubstr("run_001 has no file at 512 Hz of hx, hy, hz, ex, ey")));
}

TEST(HttpPassword, IsTheOneLineOfAFileThatOthersMayNotRead) {
  const support::TempDir dir;
  const auto path = dir / "password";
  const auto read = [&](const std::string& text, unsigned mode) {
    support::write_text(path, text);
    std::filesystem::permissions(path, std::filesystem::perms{mode});
    return daq::config::read_password(path);
  };
  for (const unsigned mode : {0600u, 0400u, 0640u, 0440u}) EXPECT_EQ(read("pass word\r\n", mode).text, "pass word");
  EXPECT_EQ(read(" p", 0600).text, " p") << "no blank is taken away";
  EXPECT_EQ(read(std::string(1000, 'p'), 0600).text.size(), 1000u);
  const std::tuple<std::string, unsigned, const char*> cases[] = {
      {"p", 0644, ": mode 0644: everybody may read it, or others than its owner may write it; chmod 640 '"},
      {"p", 0660, ": mode 0660: "},
      {"p", 0601, ": mode 0601: "},
      {"", 0600, ": is empty; its one line has to be the password"},
      {"\n", 0600, ": is empty"},
      {"adu\np\n", 0600, ": has more than one line"},
      {std::string(1001, 'p'), 0600, ": has a password of more than 1000 bytes"},
      {"p\xff", 0600, ": has a character that no password has"},
      {"p\tp", 0600, ": has a character that no password has"},
      {std::string("p\0p", 3), 0600, ": has a character that no password has"},
  };
  for (const auto& [text, mode, expected] : cases) {
    const auto password = read(text, mode);
    EXPECT_THAT(password.problem, StartsWith(path.string() + expected));
    EXPECT_EQ(password.text, "");
  }
  EXPECT_THAT(daq::config::read_password(dir / "none").problem, HasSubstr("none: cannot be read: "));
  EXPECT_EQ(daq::config::check_user("Jörg Adu"), "");
  for (const auto& bad : {std::string{"a:b"}, std::string{"a\nb"}, std::string(256, 'a')})
    EXPECT_THAT(daq::config::check_user(bad), HasSubstr("must be a user's name"));
}

TEST(AtssTalk, SaysWhoItIsWithEachQuestionAndNowhereElse) {
  const daq::config::Http target{
      .url = "http://box/data", .user = "adu", .authorization = daq::config::basic_authorization("adu", "geheim:\xc3\xbc")};
  EXPECT_EQ(target.authorization, "Basic YWR1OmdlaGVpbTrDvA==") << "as RFC 7617 has it, in UTF-8";
  Box box;
  box.grow("run_001", 300);
  Atss client{target, 256, kChannels};
  int n = 0;
  for (auto answer = client.connected(Atss::Time{1h}); !answer.send.empty(); ++n) {
    EXPECT_THAT(answer.send, HasSubstr("\r\nAuthorization: Basic YWR1OmdlaGVpbTrDvA==\r\n"));
    answer = client.received(box.answer(answer.send), Atss::Time{1h}, [](auto, auto) {});
  }
  EXPECT_GT(n, 10) << "listings, headers and samples";
  for (const auto& news : client.take_news()) EXPECT_EQ(news.find("YWR1"), news.npos);
  const std::pair<std::string, const char*> cases[] = {
      {"WWW-Authenticate: Basic realm=\"adu\"\r\n",
       ": answers 401 to PROPFIND /data/: it does not take user 'adu' with this password; check http.user and "
       "http.password_file"},
      {"WWW-Authenticate: Digest realm=\"a\", nonce=\"b\"\r\nWWW-Authenticate: basic realm=\"adu\"\r\n",
       "it does not take user 'adu'"},
      {"WWW-Authenticate: Digest realm=\"basics\"\r\n",
       "it wants the password in another way than Basic, which is the only one supported: 'Digest realm=\"basics\"'"},
      {"", "it does not take user 'adu'"},
  };
  for (const auto& [fields, expected] : cases) {
    Atss other{target, 256, kChannels};
    static_cast<void>(other.connected(Atss::Time{1h}));
    const auto failed = other.received(http("401 Unauthorized", "", fields), Atss::Time{1h}, [](auto, auto) {}).failed;
    EXPECT_THAT(failed, HasSubstr(expected));
    EXPECT_THAT(failed, testing::Not(HasSubstr("geheim")));
    EXPECT_THAT(failed, testing::Not(HasSubstr("YWR1")));
  }
}

TEST(AtssTalk, GivesUpWhatIsNoServerOfFilesInOneLine) {
  const std::pair<std::string, const char*> cases[] = {
      {"SeedLink v3.1\r\n\r\n\r\n", "sends no answer of HTTP"},
      {http("401 Unauthorized", ""),
       "answers 401 to PROPFIND /data/: it wants a user and a password; give http.user and http.password_file"},
      {http("407 Proxy", ""), "answers 407 to PROPFIND /data/: a proxy wants a user and a password, which is not supported"},
      {http("301 Moved", ""), "answers 301 to PROPFIND /data/: it is elsewhere; put that address into http.url"},
      {http("503 Busy", ""), "answers 503 to PROPFIND /data/"},
      {"HTTP/1.1 207 OK\r\nContent-Length: 99999999999999\r\n\r\n", "would send 99999999999999 bytes (at most 4194304)"},
      {"HTTP/1.1 207 OK\r\nTransfer-Encoding: chunked\r\n\r\n", ""},
      {"HTTP/1.1 207 OK\r\nX: " + std::string(20000, 'x'), "sends no answer of HTTP"},
  };
  for (const auto& [bytes, expected] : cases) {
    Atss client{{.url = "http://box/data"}, 256, kChannels};
    EXPECT_THAT(client.connected(Atss::Time{1h}).send, StartsWith("PROPFIND /data/ HTTP/1.1\r\nHost: box\r\n"));
    const auto answer = client.received(bytes, Atss::Time{1h}, [](auto, auto) {});
    EXPECT_THAT(answer.failed, HasSubstr(expected)) << bytes.substr(0, 60);
    EXPECT_EQ(answer.failed.find('\n'), answer.failed.npos);
  }
  // In the place of samples.
  const std::pair<std::string, const char*> of_samples[] = {
      {http("403 Forbidden", ""), "answers 403 to GET /data/run_001/084_ADU-08e_C00_THx_256Hz.atss"},
      {http("206 Partial Content", "12345678"),
       "answers 206 to GET /data/run_001/084_ADU-08e_C00_THx_256Hz.atss with other bytes"},
      {http("206 Partial Content", "12345678", "Content-Range: bytes 8-15/16\r\n"), "(from 0): 'bytes 8-15/16'"},
      {http("206 Partial Content", "12345678", "Content-Range: bytes 0-15/16\r\n"), "with other bytes than were asked for"},
      {http("206 Partial Content", "", "Content-Range: bytes 0-99999/100000\r\n"), "with other bytes than were asked for"},
  };
  for (const auto& [bytes, expected] : of_samples) {
    Box box;
    Atss client{{.url = "http://box/data"}, 256, kChannels};
    auto answer = client.connected(Atss::Time{1h});
    while (answer.send.find(".atss ") == answer.send.npos)
      answer = client.received(box.answer(answer.send), Atss::Time{1h}, [](auto, auto) { FAIL(); });
    answer = client.received(bytes, Atss::Time{1h}, [](auto, auto) { FAIL(); });
    EXPECT_THAT(answer.failed, HasSubstr(expected));
  }
  Atss client{{.url = "http://box/data"}, 256, kChannels};
  static_cast<void>(client.connected(Atss::Time{1h}));
  client.disconnected();
  EXPECT_THAT(client.connected(Atss::Time{1h}).send, StartsWith("PROPFIND /data/ ")) << "what was not answered is asked again";
  EXPECT_EQ(client.received(http("207 OK", ""), Atss::Time{1h}, [](auto, auto) {}).failed, "");
  EXPECT_THAT(client.received(http("207 OK", ""), Atss::Time{1h}, [](auto, auto) {}).failed,
              HasSubstr("sends what nobody has asked for"));
}

}  // namespace
