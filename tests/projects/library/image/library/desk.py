import asyncio
import os

import asyncpg


async def answer(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    session = await asyncpg.connect(os.environ["LIBRARY_DATABASE"].replace("+asyncpg", ""))
    try:
        books = await session.fetchval("SELECT count(*) FROM catalog.book")
        loans = await session.fetchval("SELECT count(*) FROM loans.loan")
    finally:
        await session.close()
    text = f"{books} books, {loans} loans\n"
    writer.write(f"HTTP/1.0 200 OK\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode())
    await writer.drain()
    writer.close()


async def main():
    server = await asyncio.start_server(answer, "0.0.0.0", 8080)
    await server.serve_forever()


asyncio.run(main())
