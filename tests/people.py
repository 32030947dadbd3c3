"""Users, as an operator makes them."""

from redis.asyncio import Redis

from shared.actions.accounts import users


async def join(redis: Redis, team: str, count: int) -> None:
    """Make so many users who are in the team: the first owns it, the others are members."""
    for number in range(1, count + 1):
        await users.create(redis, email=f"User{number}@example.com", name=f"User {number}", team=team)
