#include "acquisition/source/seedlink.hpp"

#include <gmock/gmock.h>

#include <fmt/format.h>

#include "support/miniseed.hpp"

/// What is said to a SeedLink server, byte by byte.
namespace {

using daq::source::SeedLink;
using support::Record;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using namespace std::chrono_literals;

const std::string kGreeting3 = "SeedLink v3.1 (2020.122)\r\nObservatory\r\n";
const std::string kGreeting4 = "SeedLink v4.0 (sim) :: SLPROTO:4.0 SLPROTO:3.1\r\nObservatory\r\n";

/// Three samples of 1 Hz; `second`: of the first one.
std::string record(unsigned second, const std::string& channel = "LFX", const std::string& station = "MT01") {
  return Record{.channel = channel, .station = station, .minute = second / 60, .second = second % 60}.bytes();
}
mth5::UtcNanos at(int second) { return *mth5::parse_time("2026-05-01T00:00:00.123407Z") + std::chrono::seconds{second}; }
std::string packet3(unsigned number, const std::string& record) { return fmt::format("SL{:06X}", number) + record; }
std::string packet4(std::uint64_t number, const std::string& id, const std::string& payload, const std::string& kind = "2D") {
  std::string all = "SE" + kind;
  for (int i = 0; i < 4; ++i) all += static_cast<char>(payload.size() >> 8 * i & 0xff);
  for (int i = 0; i < 8; ++i) all += static_cast<char>(number >> 8 * i & 0xff);
  all += static_cast<char>(id.size());
  return all + id + payload;
}

/// A client, and a server that answers OK.
struct Talk {
  explicit Talk(std::vector<std::string> streams = {"XX_MT01"}, const std::string& protocol = "auto")
      : client{{.host = "h", .streams = std::move(streams), .protocol = protocol}, 1, 60s} {}

  /// @returns what the client says
  std::string hear(const std::string& bytes) {
    const auto answer = client.received({bytes.data(), bytes.size()}, now, [this](std::span<const char> packet, auto token) {
      packets.emplace_back(packet.begin(), packet.end());
      tokens.emplace_back(token);
    });
    failed = answer.failed;
    return answer.send;
  }
  /// Up to END. @returns what the client says of streams
  std::vector<std::string> connect(const std::string& greeting = kGreeting3) {
    EXPECT_EQ(client.connected(now).send, "HELLO\r\n");
    std::vector<std::string> all;
    for (auto said = hear(greeting); !said.empty() && said != "END\r\n"; said = hear("OK\r\n"))
      all.push_back(said.substr(0, said.find('\r')));
    return all;
  }

  SeedLink client;
  SeedLink::Time now{1h};
  std::vector<std::string> packets, tokens;
  std::string failed;
};

TEST(SeedLinkTalk, AsksEachStationForWhatIsNewInTheWordsOfItsVersion) {
  const std::vector<std::string> streams{"XX_MT01:LF? 00LQX !--LFZ", "XX_MT?"};
  EXPECT_THAT(Talk{streams}.connect(),
              ElementsAre("STATION MT01 XX", "SELECT LF?", "SELECT 00LQX", "SELECT !--LFZ", "DATA", "STATION MT? XX", "DATA"));
  EXPECT_THAT(Talk{streams}.connect(kGreeting4),
              ElementsAre("SLPROTO 4.0", "STATION XX_MT01", "SELECT *_L_F_?", "SELECT 00_L_Q_X", "SELECT !_L_F_Z", "DATA",
                          "STATION XX_MT?", "DATA"));
  EXPECT_THAT(Talk({"XX_MT01"}, "3").connect(kGreeting4), ElementsAre("STATION MT01 XX", "DATA"));
  Talk four{{"XX_MT01"}, "4"};
  EXPECT_THAT(four.connect(), IsEmpty());
  EXPECT_EQ(four.failed, "seedlink:h:18000: does not offer SeedLink 4 (seedlink.protocol)");
}

TEST(SeedLinkTalk, GivesRecordsHoweverTheyAreCutAndKnowsWhereToGoOn) {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{135}, std::size_t{100'000}}) {
    for (const bool four : {false, true}) {
      SCOPED_TRACE(std::to_string(piece) + (four ? " of 4" : " of 3"));
      Talk talk;
      talk.connect(four ? kGreeting4 : kGreeting3);
      const auto first = record(0), second = Record{.values = std::vector<double>(900, 4), .second = 3, .length = 4096}.bytes();
      const auto info = four ? packet4(0, "", "{}", "JI") : "SLINFO  " + record(0, "INF");
      const auto sent = four ? packet4(0xabcdef01, "XX_MT01", first) + info + packet4(0xabcdef02, "XX_MT01", second)
                             : packet3(0xffffff, first) + info + packet3(1, second);
      for (std::size_t i = 0; i < sent.size(); i += piece) {
        EXPECT_EQ(talk.hear(sent.substr(i, piece)), "");
        EXPECT_EQ(talk.failed, "");
      }
      EXPECT_THAT(talk.packets, ElementsAre(first, second));
      EXPECT_THAT(talk.tokens,
                  ElementsAre(four ? "XX_MT01=2882400001" : "XX_MT01=16777215", four ? "XX_MT01=2882400002" : "XX_MT01=1"));
      talk.client.disconnected();
      EXPECT_THAT(talk.connect(four ? kGreeting4 : kGreeting3).back(), four ? "DATA 2882400003" : "DATA 000002");
    }
  }
}

TEST(SeedLinkTalk, GoesOnBehindTheNewestPacketAndRoundTheEndOfTheNumbers) {
  Talk talk;
  talk.connect();
  talk.hear(packet3(0xffffff, record(0)));
  EXPECT_EQ(talk.connect().back(), "DATA 000000");
  talk.hear(packet3(0, record(3)));
  EXPECT_EQ(talk.failed, "");
  EXPECT_EQ(talk.packets.size(), 2u);
}

TEST(SeedLinkTalk, AServerWhoseNumbersWentBackIsAskedByTime) {
  for (const bool four : {false, true}) {
    Talk talk;
    const auto& greeting = four ? kGreeting4 : kGreeting3;
    const auto packet = [&](unsigned number, const std::string& bytes) {
      return four ? packet4(number, "XX_MT01", bytes) : packet3(number, bytes);
    };
    talk.connect(greeting);
    talk.hear(packet(100, record(0)) + packet(101, record(0, "LFY")) + packet(102, record(3)));
    EXPECT_EQ(talk.connect(greeting).back(), four ? "DATA 103" : "DATA 000067");
    talk.hear(packet(7, record(30)));
    EXPECT_EQ(talk.failed, "seedlink:h:18000: the number of its packets went back from 102 to 7: it is asked again, by time");
    EXPECT_EQ(talk.packets.size(), 3u) << "it comes again";
    talk.client.disconnected();
    // Of the channel that lacks most.
    EXPECT_EQ(talk.connect(greeting).back(), four ? "DATA ALL 2026-05-01T00:00:03.123407Z" : "TIME 2026,5,1,0,0,3");
    talk.hear(packet(1, record(3)) + packet(2, record(3, "LFY")) + packet(3, record(6)));
    EXPECT_EQ(talk.failed, "");
    EXPECT_THAT(std::vector(talk.packets.begin() + 3, talk.packets.end()), ElementsAre(record(3, "LFY"), record(6)));
    talk.client.disconnected();
    EXPECT_THAT(talk.client.take_news(), ElementsAre("seedlink:h:18000: 1 record came again, and was left out"));
    EXPECT_EQ(talk.connect(greeting).back(), four ? "DATA 4" : "DATA 000004");
  }
}

TEST(SeedLinkTalk, AServerWithOtherNumbersIsKnownByTheTimeOfWhatItSends) {
  Talk talk;
  talk.connect();
  talk.hear(packet3(100, record(0)));
  talk.connect();
  talk.hear(packet3(101, record(50)));
  EXPECT_THAT(talk.failed, HasSubstr("XX.MT01..LFX goes on 47s later than it ended: it is asked again, by time"));
  EXPECT_EQ(talk.connect().back(), "TIME 2026,5,1,0,0,3");
  talk.hear(packet3(101, record(50)));
  EXPECT_EQ(talk.failed, "") << "then nothing is there in between";
  EXPECT_EQ(talk.packets.size(), 2u);
}

TEST(SeedLinkTalk, GoesOnWhereTheFileEnds) {
  Talk talk;
  talk.client.durable({.time = at(5), .token = "XX_MT01=200", .stored = at(9)});
  EXPECT_EQ(talk.connect().back(), "DATA 0000C9");
  // Stored when the recorder died, and not known to be durable; a late one of before; and what is new.
  talk.hear(packet3(201, record(6)) + packet3(202, record(1)) + packet3(203, record(8)) + packet3(204, record(11, "LFY")));
  EXPECT_THAT(talk.packets, ElementsAre(record(1), record(8)));
  EXPECT_THAT(talk.failed, HasSubstr("XX.MT01..LFY goes on 2s later"));
  talk.client.disconnected();
  EXPECT_EQ(talk.connect().back(), "TIME 2026,5,1,0,0,9");

  Talk without_number;
  without_number.client.durable({.time = at(5), .stored = at(6)});
  EXPECT_EQ(without_number.connect(kGreeting4).back(), "DATA ALL 2026-05-01T00:00:05.123407Z");
  without_number.hear(packet4(1, "XX_MT01", record(3)) + packet4(2, "XX_MT01", record(6)));
  EXPECT_THAT(without_number.packets, ElementsAre(record(6)));
}

/// Each of them that has a number, or none: else what the others sent meanwhile would be missed.
TEST(SeedLinkTalk, AsksAllStationsByTimeWhereOneHasNoNumber) {
  Talk talk{{"XX_MT01", "XX_MT02"}};
  talk.client.durable({.time = at(5), .token = "XX_MT01=200", .stored = at(6)});
  EXPECT_THAT(talk.connect(), ElementsAre("STATION MT01 XX", "TIME 2026,5,1,0,0,5", "STATION MT02 XX", "TIME 2026,5,1,0,0,5"));
}

TEST(SeedLinkTalk, KeepsItsConnectionAliveAndGivesUpASilentServer) {
  Talk talk;
  talk.connect();
  talk.hear(packet3(5, record(0)));
  talk.now += 19s;
  EXPECT_EQ(talk.client.due(talk.now).send, "");
  talk.now += 1s;
  EXPECT_EQ(talk.client.due(talk.now).send, "INFO ID\r\n") << "a third of idle_timeout";
  EXPECT_EQ(talk.client.due(talk.now).send, "");
  while (talk.now < SeedLink::Time{1h} + 10min) {
    talk.hear("SLINFO  " + record(0, "INF"));
    EXPECT_EQ(talk.client.due(talk.now).failed, "");
    talk.now += 10s;
  }
  EXPECT_THAT(talk.client.due(talk.now).failed, HasSubstr("no packet for 10min (seedlink.silence): it is asked again, by time"));
  EXPECT_EQ(talk.connect().back(), "TIME 2026,5,1,0,0,3");
}

TEST(SeedLinkTalk, SaysWhatAServerRefusesAndGoesOnWithTheOthers) {
  Talk talk{{"XX_MT01", "XX_MT02"}};
  static_cast<void>(talk.client.connected(talk.now));
  EXPECT_EQ(talk.hear(kGreeting3), "STATION MT01 XX\r\n");
  EXPECT_EQ(talk.hear("ERROR\r\n"), "STATION MT02 XX\r\n");
  EXPECT_THAT(talk.client.take_news(), ElementsAre("seedlink:h:18000: answers ERROR to STATION MT01 XX"));
  EXPECT_EQ(talk.hear("OK\r\n"), "DATA\r\n");
  EXPECT_EQ(talk.hear("OK\r\n"), "END\r\n");

  Talk none;
  static_cast<void>(none.client.connected(none.now));
  none.hear(kGreeting3);
  none.hear("ERROR UNAUTHORIZED\r\n");
  EXPECT_EQ(none.failed, "seedlink:h:18000: knows none of the stations (seedlink.streams): ERROR UNAUTHORIZED");

  Talk old;  // that cannot be asked by time
  old.client.durable({.time = at(5), .stored = at(6)});
  static_cast<void>(old.client.connected(old.now));
  old.hear(kGreeting3);
  EXPECT_EQ(old.hear("OK\r\n"), "TIME 2026,5,1,0,0,5\r\n");
  EXPECT_EQ(old.hear("ERROR\r\n"), "DATA\r\n");
  EXPECT_THAT(old.client.take_news(),
              ElementsAre("seedlink:h:18000: answers ERROR to TIME 2026,5,1,0,0,5; asked for what is new only"));
}

TEST(SeedLinkTalk, WhatIsNoServerIsGivenUp) {
  const std::pair<std::string, std::string> cases[] = {
      {"HTTP/1.1 400 Bad Request\r\n", "is no SeedLink server: it says 'HTTP/1.1 400 Bad Request'"},
      {std::string(9000, 'x'), "sends no line where a SeedLink server would; check host and port"},
      {kGreeting3 + "WELCOME\r\n", "answers 'WELCOME' to STATION MT01 XX"},
      {kGreeting3 + "OK\r\nOK\r\nxx", "sends no packet where one should begin"},
      {kGreeting3 + "OK\r\nOK\r\n" + "SL00000X" + record(0), "sends a packet without a number"},
      {kGreeting3 + "OK\r\nOK\r\nEND", "has ended the stream"},
      {kGreeting3 + "OK\r\nOK\r\nERROR\r\n", "answers ERROR to the streams that were asked for"},
  };
  for (const auto& [bytes, why] : cases) {
    Talk talk;
    static_cast<void>(talk.client.connected(talk.now));
    talk.hear(bytes);
    EXPECT_EQ(talk.failed, "seedlink:h:18000: " + why);
    EXPECT_THAT(talk.packets, IsEmpty());
  }
}

/// The length of a record may stand far behind: it is waited for, and found however the stream is cut.
TEST(SeedLinkTalk, FindsTheLengthOfARecordBehindItsFirstBytes) {
  auto long_one = Record{.values = std::vector<double>(100, 4), .length = 1024}.bytes();
  auto blockette = long_one.substr(48, 8);
  blockette.replace(2, 2, std::string(2, '\0'));  // the last one
  // Samples from 256 on, the blockette at 200: as with many blockettes before it.
  long_one.insert(64, std::string(192, '\0'));
  long_one.resize(1024);
  long_one.replace(48, 8, std::string(8, '\0'));
  long_one.replace(200, 8, blockette);
  long_one[45] = 0;
  long_one[44] = 1;
  long_one[47] = static_cast<char>(200);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{150}, std::size_t{100'000}}) {
    Talk talk;
    talk.connect();
    const auto sent = packet3(1, long_one) + packet3(2, record(300));
    for (std::size_t i = 0; i < sent.size(); i += piece) talk.hear(sent.substr(i, piece));
    EXPECT_EQ(talk.failed, "");
    EXPECT_THAT(talk.packets, ElementsAre(long_one, record(300))) << piece;
  }
}

/// A server's name of a station goes into the file only where it can be found again there.
TEST(SeedLinkTalk, ANameThatIsNoneStandsInNoToken) {
  Talk talk{{"XX_*"}};
  talk.connect(kGreeting4);
  for (const std::string name : {"", "XX MT01", "XX_MT01=7", "XX\nMT01"}) talk.hear(packet4(5, name, record(0, "LFX", "MT02")));
  EXPECT_EQ(talk.packets.size(), 4u);
  EXPECT_THAT(talk.tokens, testing::Each(""));
}

/// The file keeps so much of it.
TEST(SeedLinkTalk, ATokenHasAsManyStationsAsFitIntoIt) {
  Talk talk{{"XX_*"}};
  talk.connect(kGreeting4);
  for (int i = 10; i < 40; ++i)
    talk.hear(packet4(1'000'000'000u + static_cast<unsigned>(i), "XX_MT" + std::to_string(i),
                      record(0, "LFX", "MT" + std::to_string(i))));
  EXPECT_EQ(talk.packets.size(), 30u);
  EXPECT_LE(talk.tokens.back().size(), 120u);
  EXPECT_THAT(talk.tokens.back(), HasSubstr("XX_MT10=1000000010 XX_MT11=1000000011"));
}

}  // namespace
